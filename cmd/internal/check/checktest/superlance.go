package checktest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// SuperlanceEnv names a folder with superlance's source. Where it is set, the
// tests of superlance's options run superlance itself in place of the tool, which
// shows that what they want is what it sends. It needs Debian's package
// supervisor for its Python module.
const SuperlanceEnv = "VIGILANCE_SUPERLANCE"

// Option is a listener with one of superlance's options.
type Option struct {
	// Name is its section's.
	Name string
	// Args is its command line, in which NAME stands for its name, CATCH for an
	// -s that catches its mails, DIR for the daemon's folder and OURS(...) for
	// what only the tool knows, not superlance.
	Args string
	// Mails are what it sends, in any order, and Restarts the processes that it
	// restarts. NAME and DIR stand for the same as in Args.
	Mails    []string
	Restarts []string
	// Mended says what superlance 2.0 does in place of what it documents, and
	// this project does. Defect is what it sends then; nil where it ends, or
	// cannot be compared.
	Mended string
	Defect []string
}

// OptionTest is a daemon with a listener for each of a tool's options.
type OptionTest struct {
	Tool, Events string
	Programs     string
	Options      []Option
	// Prepare, where it is set, starts the programs. Begin makes them give
	// reason for mails and restarts.
	Prepare, Begin func(d *Real)
	// Done, where it is set, tells that those have had their turn, too, that are to
	// send nothing.
	Done func() bool
	// Mails returns what an option has sent; nil for what CATCH has caught.
	Mails func(option string) []string
	// Generic is what no two runs share; X stands for it in Mails.
	Generic *regexp.Regexp
}

// Superlance runs a test under Python's supervisord and this project's: all of
// its listeners at once.
func Superlance(t *testing.T, tool func(t *testing.T) OptionTest) {
	Daemons(t, func(t *testing.T, supervisord string) {
		o := tool(t)
		o.run(t, supervisord)
	})
}

// section is an option's in the configuration.
func (o *OptionTest) section(option Option) string {
	catch := `-s "cat >DIR/NAME.$$.part && mv DIR/NAME.$$.part DIR/NAME.$$.mail"`
	command, environment, ours := "TOOL --spool DIR/spool ", "ENV", "$1"
	if source := os.Getenv(SuperlanceEnv); source != "" {
		command = fmt.Sprintf(`/usr/bin/python3 -c "from superlance.%s import main; main()" `, o.Tool)
		environment, ours = fmt.Sprintf("ENV,PYTHONPATH=%q", source), ""
	}
	args := regexp.MustCompile(`OURS\((.*?)\)`).ReplaceAllString(option.Args, ours)
	args = strings.NewReplacer("CATCH", strings.ReplaceAll(catch, "NAME", option.Name), "NAME", option.Name).Replace(args)
	return fmt.Sprintf("[eventlistener:%s]\ncommand=%s%s\nevents=%s\nenvironment=%s\nstderr_logfile=DIR/%s.err\nbuffer_size=100\n\n",
		option.Name, command, args, o.Events, environment, option.Name)
}

func (o *OptionTest) run(t *testing.T, supervisord string) {
	config := o.Programs + "\n"
	options := slices.Clone(o.Options)
	for i, option := range options {
		options[i].Restarts = slices.Clone(option.Restarts)
		for j, name := range option.Restarts {
			options[i].Restarts[j] = strings.ReplaceAll(name, "NAME", option.Name)
		}
	}
	if os.Getenv(SuperlanceEnv) != "" {
		options = slices.DeleteFunc(options, func(option Option) bool { return option.Mended != "" && option.Defect == nil })
		for i, option := range options {
			if option.Mended != "" {
				options[i].Mails = option.Defect
			}
		}
	}
	for _, option := range options {
		config += o.section(option)
	}
	d := Start(t, supervisord, config)
	for _, option := range options {
		d.Running(option.Name, 0)
	}
	if o.Prepare != nil {
		o.Prepare(d)
	}
	before := d.pids()
	o.Begin(d)
	for _, option := range options {
		what := fmt.Sprintf("%s (%s) to send %d mails and to restart %q", option.Name, option.Args, len(option.Mails), option.Restarts)
		d.Until(what, func() bool {
			now := d.pids()
			return len(o.mails(d, option)) >= len(option.Mails) && !slices.ContainsFunc(option.Restarts, func(name string) bool {
				return now[name] == 0 || now[name] == before[name]
			})
		})
	}
	if o.Done != nil {
		d.Until("those that send nothing", o.Done)
	}
	after := d.pids()
	d.Stop()
	for _, option := range options {
		for _, name := range option.Restarts {
			delete(before, name)
		}
		replace := strings.NewReplacer("NAME", option.Name, "DIR", d.Dir)
		var want []string
		for _, mail := range option.Mails {
			want = append(want, replace.Replace(mail))
		}
		got := o.mails(d, option)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s %s sent %q, want %q; standard error:\n%s", o.Tool, option.Args, got, want, d.Read(option.Name+".err"))
		}
	}
	for name, pid := range before {
		if pid != 0 && after[name] != pid {
			t.Errorf("%s: pid of %s = %d, then %d; want that nobody restarts it", o.Tool, name, pid, after[name])
		}
	}
}

// mails returns what an option has sent.
func (o *OptionTest) mails(d *Real, option Option) (mails []string) {
	if o.Mails != nil {
		mails = o.Mails(option.Name)
	} else {
		files, _ := filepath.Glob(filepath.Join(d.Dir, option.Name+".*.mail"))
		for _, file := range files {
			mails = append(mails, d.Read(filepath.Base(file)))
		}
	}
	for i, mail := range mails {
		mails[i] = o.Generic.ReplaceAllString(mail, "X")
	}
	return mails
}

// Crash starts programs that end at once. Whether a daemon finds them RUNNING
// before that is a matter of luck.
func (r *Real) Crash(names ...string) {
	r.t.Helper()
	for _, name := range names {
		if err := r.StartProcess(r.t.Context(), name); err != nil && client.FaultCode(err) == 0 {
			r.t.Fatal(err)
		}
	}
}

// pids returns that of each process, by its name as supervisorctl shows it.
func (r *Real) pids() map[string]int {
	r.t.Helper()
	infos, err := r.AllProcessInfo(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	pids := map[string]int{}
	for _, info := range infos {
		name := info.Group + ":" + info.Name
		if info.Group == info.Name {
			name = info.Name
		}
		pids[name] = info.PID
	}
	return pids
}
