package chaos

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// self is the command of a program that plays a role.
func self(role string) string {
	return fmt.Sprintf("command=%s\nenvironment=%s=\"%s\"\n", os.Args[0], roleVar, role)
}

// TestCrashLoopsLeakNothing lets hundreds of programs die all the time.
func TestCrashLoopsLeakNothing(t *testing.T) {
	t.Parallel()
	programs := scale(50, 500)
	r := account(t, "crash loops", fmt.Sprintf("%d programs", programs))
	d := start(t, spec{options: "minfds=4096", config: fmt.Sprintf(
		"[program:fails]\ncommand=sh -c 'echo failing; exit 3'\nautostart=false\nautorestart=true\nstartsecs=0\nnumprocs=%d\nprocess_name=f%%(process_num)d\n"+
			"[program:crashes]\ncommand=sh -c 'kill -SEGV $$'\nautostart=false\nstartretries=1000000\nnumprocs=%d\nprocess_name=c%%(process_num)d\n",
		programs-programs/5, programs/5)})
	// Once around before the measurement: maps and pools have their size then.
	cycle := func(length time.Duration) {
		_, err := d.rpc.StartProcessGroup(t.Context(), "fails")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = d.rpc.StartProcessGroup(t.Context(), "crashes") }() // it never succeeds; ends with the test
		for end := time.Now().Add(length); time.Now().Before(end); {
			d.infos()
			<-time.After(50 * time.Millisecond)
		}
		d.stopAll()
	}
	cycle(time.Second)
	before := d.vitals()
	deaths := total(d.metrics(), "vigilance_process_exits_total", "")
	cycle(span(4*time.Second, 34))
	r.faults = total(d.metrics(), "vigilance_process_exits_total", "") - deaths
	r.closeBooks(d, before)
	d.end()
}

// stopLimit is how long a stop may take with stopwaitsecs=1, on a machine that
// has much else to do.
const stopLimit = 10 * time.Second

// TestMisbehavingChildren holds that each is stopped on time, and that a
// program beside them notices nothing.
func TestMisbehavingChildren(t *testing.T) {
	t.Parallel()
	manners := map[string]string{
		"ignores_term":  "command=sh -c \"trap '' TERM INT HUP; while :; do sleep 0.1; done\"\nstopwaitsecs=1\nkillasgroup=true\n",
		"daemonises":    "command=sh -c 'setsid sleep 3 >/dev/null 2>&1 </dev/null & sleep 1000'\nstopasgroup=true\n",
		"closes_pipes":  "command=sh -c 'exec <&- >&- 2>&-; sleep 1000'\nstopasgroup=true\n",
		"keeps_pipes":   "command=sh -c 'sleep 4 & exit 0'\nautorestart=false\nstartsecs=0\n",
		"writes_on":     "command=yes\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1\n",
		"writes_a_line": self("line") + "stdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1\n",
		"writes_binary": self("binary") + "stdout_logfile_maxbytes=1MB\nredirect_stderr=true\nstdout_events_enabled=true\n",
		"writes_tokens": self("tokens") + "stdout_logfile_maxbytes=1MB\nstdout_capture_maxbytes=1MB\n",
		"never_reads":   "command=sleep 1000\n",
		"is_stopped":    "command=sleep 1000\nstopwaitsecs=1\n",
		"stops_itself":  "command=sh -c 'kill -STOP $$'\nstopwaitsecs=1\n",
		"dies_at_once":  "command=sh -c 'kill -KILL $$'\nstartretries=1000000\n",
	}
	var config strings.Builder
	for name, manner := range manners {
		fmt.Fprintf(&config, "[program:%s]\n%s", name, manner)
	}
	r := account(t, "children that misbehave", fmt.Sprintf("%d manners, one well-behaved program", len(manners)))
	d := start(t, spec{config: config.String() + "[program:good]\n" + self("beat %(here)s/beats")})
	before := d.vitals()
	for end := time.Now().Add(span(6*time.Second, 6)); time.Now().Before(end); {
		beats := len(d.read("beats"))
		if info, err := d.rpc.ProcessInfo(t.Context(), "is_stopped"); err == nil && info.PID > 0 {
			_ = syscall.Kill(info.PID, syscall.SIGSTOP) // it may have ended
			r.faults++
		}
		for range 20 {
			_ = d.rpc.SendProcessStdin(t.Context(), "never_reads", strings.Repeat("x", 100<<10)) // refused when it is full
			r.inputs++
		}
		for name := range manners {
			began := time.Now()
			_ = d.rpc.StopProcess(t.Context(), name) // NOT_RUNNING where it has ended
			if took := time.Since(began); took > stopLimit {
				r.lost++
				t.Errorf("stopping %s took %v, want %v at most", name, took, stopLimit)
			}
			if state := d.state(name); state != "STOPPED" && state != "EXITED" && state != "FATAL" {
				r.lost++
				t.Errorf("%s is %s after a stop, want that it is stopped", name, state)
			}
			r.faults++
		}
		if more := len(d.read("beats")) - beats; more == 0 {
			r.lost++
			t.Errorf("the well-behaved program has not been running meanwhile")
		}
		for name := range manners {
			go func() { _ = d.rpc.StartProcess(t.Context(), name) }() // ends with the test
		}
		d.until("all to be started", func() bool { return d.state("is_stopped") == "RUNNING" && d.state("never_reads") == "RUNNING" })
	}
	for name := range manners {
		_ = d.rpc.StopProcess(t.Context(), name) // as above
	}
	r.closeBooks(d, before)
	d.end()
	d.until("the grandchildren to end", func() bool { return len(d.marked()) == 0 })
}

// TestExecFaults tries files that cannot be executed, and then mends them.
func TestExecFaults(t *testing.T) {
	t.Parallel()
	elf, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"half":           string(elf[:len(elf)/2]),
		"header":         string(elf[:64]),
		"empty":          "",
		"text":           "no program at all\n",
		"no_interpreter": "#!/no/such/interpreter\n",
		"unreadable":     "#!/bin/sh\nsleep 1000\n",
		"not_executable": "#!/bin/sh\nsleep 1000\n",
		"being_written":  "#!/bin/sh\nsleep 1000\n",
	}
	var config strings.Builder
	for name := range files {
		fmt.Fprintf(&config, "[program:%s]\ncommand=%%(here)s/%s\nautostart=false\nstartretries=1\nuser=nobody\n", name, name)
	}
	config.WriteString("[program:missing]\ncommand=%(here)s/missing\nautostart=false\nstartretries=1\n[program:folder]\ncommand=/tmp\nautostart=false\nstartretries=1\n")
	if os.Getuid() != 0 {
		t.Skip("needs root, to run programs as nobody")
	}
	r := account(t, "files that cannot be executed", fmt.Sprintf("%d programs", len(files)+2))
	d := start(t, spec{config: config.String(), files: files})
	if err := os.Chmod(d.dir, 0o755); err != nil { // nobody must find its programs there
		t.Fatal(err)
	}
	chmod := func(name string, mode os.FileMode) {
		if err := os.Chmod(d.path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod("unreadable", 0o711) // a script must be read
	chmod("not_executable", 0o644)
	writer, err := os.OpenFile(d.path("being_written"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := append([]string{"missing", "folder"}, keys(files)...)
	before := d.vitals()
	for range scale(1, 5) {
		for _, name := range names {
			r.inputs++
			if err := d.rpc.StartProcess(t.Context(), name); err == nil {
				r.lost++
				t.Errorf("starting %s succeeded, want an error", name)
			}
			_ = d.rpc.StopProcess(t.Context(), name) // it may have given up
		}
	}
	_ = writer.Close() // nothing was written
	for _, name := range names {
		if name == "folder" {
			continue
		}
		d.write(name, "#!/bin/sh\nexec sleep 1000\n")
		chmod(name, 0o755)
		d.until(name+" to start once its file is right", func() bool {
			err := d.rpc.StartProcess(t.Context(), name)
			return err == nil || client.FaultCode(err) == 60 // ALREADY_STARTED
		})
		if err := d.rpc.StopProcess(t.Context(), name); err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
	}
	r.closeBooks(d, before)
	d.end()
}

// keys returns the keys of a map in order.
func keys[V any](m map[string]V) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
