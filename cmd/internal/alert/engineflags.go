package alert

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/silence"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// EngineFlags declares the options that say what is sent, when, and in which
// words: the same for all tools, but for those that have no use for some.
func EngineFlags(without ...string) []cli.Flag {
	text := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Category: cmdline.Beyond} }
	list := func(name string) cli.Flag { return &cli.StringSliceFlag{Name: name, Category: cmdline.Beyond} }
	flags := []cli.Flag{
		text("events"),
		text("interval"), text("flood"), text("max-per-minute"), text("recovered"), text("quiet"), text("silence-file"),
		text("template"), text("title"), list("label"), text("lang"), list("mask"),
		text("config"),
	}
	return slices.DeleteFunc(flags, func(f cli.Flag) bool { return slices.Contains(without, f.Names()[0]) })
}

// Defaults are the values of options that are not given.
type Defaults struct {
	Events     Events
	Flood      time.Duration
	PerMinute  int
	Recovered  time.Duration
	UseSilence bool // read the default silence file
}

// EngineOptions are the options of EngineFlags, typed.
type EngineOptions struct {
	Events Events
	Policy notify.Policy
	// SilenceFile is empty for none.
	SilenceFile string
	Composer    notify.Composer
	Labels      map[string]string
	Mask        *notify.Mask
	Masked      bool // by --mask
	// Asked tells that there is one of the options that need a Dispatcher.
	Asked bool
}

// ReadEngine reads the values of EngineFlags, but for those options that the tool
// means otherwise. Its errors name the option.
func ReadEngine(c *cli.Context, d Defaults, without ...string) (EngineOptions, error) {
	o := EngineOptions{Events: d.Events, Composer: notify.Composer{Lang: notify.English}, Labels: make(map[string]string)}
	o.Policy = notify.Policy{Flood: d.Flood, PerMinute: d.PerMinute, Recovered: d.Recovered}
	r := optionReader{c: c, without: without}
	r.read("events", into(&o.Events, ParseEvents))
	r.read("interval", into(&o.Policy.Interval, ParseDuration))
	r.read("flood", into(&o.Policy.Flood, ParseDuration))
	r.read("recovered", into(&o.Policy.Recovered, ParseDuration))
	r.read("max-per-minute", into(&o.Policy.PerMinute, parseCount))
	r.read("quiet", into(&o.Policy.Quiet, notify.ParseQuiet))
	r.read("lang", into(&o.Composer.Lang, notify.ParseLang))
	r.read("title", into(&o.Composer.Title, o.readTemplate))
	r.read("template", into(&o.Composer.Body, o.readTemplate))
	for _, label := range c.StringSlice("label") {
		name, value, ok := strings.Cut(label, "=")
		if !ok || name == "" {
			r.fail(cmdline.Usagef("--label %q, want NAME=VALUE", label))
		}
		o.Labels[name] = value
	}
	var err error
	if o.Mask, err = notify.NewMask(c.StringSlice("mask")...); err != nil {
		r.fail(cmdline.Usagef("--mask: %v", err))
	}
	o.Masked = c.IsSet("mask")
	o.SilenceFile = c.String("silence-file")
	if o.SilenceFile == "" && d.UseSilence {
		if dir, err := spool.DefaultDir(); err == nil {
			o.SilenceFile = silence.DefaultPath(dir)
		}
	}
	for _, name := range []string{"interval", "flood", "recovered", "max-per-minute", "quiet", "silence-file"} {
		o.Asked = o.Asked || r.isSet(name)
	}
	return o, r.err
}

// optionReader keeps the first error.
type optionReader struct {
	c       *cli.Context
	without []string
	err     error
}

func (r *optionReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *optionReader) isSet(name string) bool {
	return r.c.IsSet(name) && !slices.Contains(r.without, name)
}

func (r *optionReader) read(name string, parse func(string) error) {
	if !r.isSet(name) {
		return
	}
	if err := parse(r.c.String(name)); err != nil {
		r.fail(cmdline.Usagef("--%s: %v", name, err))
	}
}

// maxDuration is the longest time that an option may say.
const maxDuration = 366 * 24 * time.Hour

// ParseDuration reads a time such as 90s, 5m or 1h, a number of seconds, or
// off for 0. The error quotes the text.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, numberErr := strconv.Atoi(text); numberErr == nil && seconds <= int(maxDuration/time.Second) {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	if text == "off" {
		return 0, nil
	}
	if err != nil || d < 0 || d > maxDuration {
		return 0, fmt.Errorf("read time %q, want one like 90s, 5m or 1h", text)
	}
	return d, nil
}

// into returns a function that parses a text into a place.
func into[T any](place *T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		value, err := parse(text)
		if err == nil {
			*place = value
		}
		return err
	}
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("read number %q, want one from 0", text)
	}
	return n, nil
}

// readTemplate reads a template, or the file that @ names.
func (o *EngineOptions) readTemplate(text string) (*template.Template, error) {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text = strings.TrimRight(string(data), "\n")
	}
	return notify.ParseTemplate("template", text, o.Composer.Lang)
}

// show shows a time as ParseDuration takes it.
func show(d time.Duration) string {
	text := d.String()
	switch {
	case d == 0:
		return "off"
	case strings.HasSuffix(text, "h0m0s"):
		return strings.TrimSuffix(text, "0m0s")
	case strings.HasSuffix(text, "m0s"):
		return strings.TrimSuffix(text, "0s")
	default:
		return text
	}
}

// String shows the events as --events takes them.
func (e Events) String() string {
	var names []string
	for _, t := range e.Types {
		names = append(names, strings.TrimPrefix(string(t), string(listener.AnyProcessState)+"_"))
	}
	if e.Expected {
		names = append(names, expectedExits)
	}
	return strings.Join(names, ",")
}
