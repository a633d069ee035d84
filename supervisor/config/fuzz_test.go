package config

import (
	"testing"
)

// FuzzParse gives the reader anything: it must return, with a configuration or
// an error.
func FuzzParse(f *testing.F) {
	f.Add("[supervisord]\nenvironment=A=\"%(here)s\"\n[program:a]\ncommand=x %(process_num)02d ; y\n")
	f.Add("[supervisord]\n[eventlistener:l]\nevents=TICK_5,\n  EVENT\ncommand=x\n[group:g]\nprograms=a\n")
	f.Add("[fcgi-program:f]\nsocket=tcp://h:1\n\ufeff[DEFAULT]\na:\n=x\n")
	for seed := range uint64(20) {
		g := newGenerator(seed)
		f.Add(g.roughen(g.configuration(20)))
	}
	opts := Options{Environ: map[string]string{"A": "1"}, Cwd: "/", TempDir: "/tmp", Hostname: "h", Accounts: accounts{}}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := newReader("/s.conf", opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.parse([]byte(text), "/s.conf"); err != nil {
			return
		}
		for _, s := range append(r.doc.sections, r.doc.defaults) {
			if s.options.has("numprocs") {
				s.options.set("numprocs", "3") // a million processes are no crash, but slow
			}
		}
		cfg, err := r.build()
		if (cfg == nil) == (err == nil) {
			t.Errorf("build of %q: got %v and error %v, want one of them", text, cfg, err)
		}
		_, _ = SplitCommand(text)
		_, _ = ParseEnvironment(text)
		_, _ = percentFormat(text, vectorNames())
	})
}
