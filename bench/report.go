package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report is what a run has found, as it is kept in a file.
type report struct {
	Command  string    `json:"command"`
	Commit   string    `json:"commit"`
	Made     time.Time `json:"made"`
	Took     string    `json:"took"`
	Machine  machine   `json:"machine"`
	Daemons  []subject `json:"daemons"`
	Findings []finding `json:"findings"`
	Gaps     []gap     `json:"gaps"`
}

// subject is a daemon that was measured.
type subject struct {
	Name    string `json:"name"`
	Command string `json:"command"`
	Version string `json:"version"`
}

// finding is one figure at one size, of all daemons.
type finding struct {
	Figure string             `json:"figure"` // its key: start/all
	Size   int                `json:"size"`
	Of     string             `json:"of,omitempty"` // what the size counts; empty when it says nothing
	Name   string             `json:"name"`
	Unit   string             `json:"unit"`
	Values map[string]float64 `json:"values"`          // by daemon; none where it was not measured
	Notes  map[string]string  `json:"notes,omitempty"` // what is told instead
	Floors []floorValue       `json:"floors,omitempty"`
}

// gap is something that was asked for and not measured.
type gap struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// machine is where the figures come from.
type machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	System     string `json:"system"`
	Go         string `json:"go"`
	LoadBefore string `json:"load_before"` // of 1, 5 and 15 minutes, as the run begins
	LoadAfter  string `json:"load_after"`
}

// newReport begins a report: what is known before anything is measured.
func newReport(o options) *report {
	r := &report{
		Command: strings.TrimSpace("go run ./bench " + quoteAll(o.args)),
		Commit:  output("git", "describe", "--always", "--dirty"),
		Made:    time.Now().UTC().Truncate(time.Second),
		Machine: machine{
			CPU: procField("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: memory(),
			Kernel: output("uname", "-sr"), System: procField("/etc/os-release", "PRETTY_NAME"),
			Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, LoadBefore: load(),
		},
	}
	for _, d := range o.daemons {
		command := strings.Join(append([]string{filepath.Base(d.command[0])}, d.command[1:]...), " ")
		r.Daemons = append(r.Daemons, subject{d.name, command, output(d.command[0], "--version")})
	}
	return r
}

// add completes the report with what was found.
func (r *report) add(results []*result, gaps []gap) {
	for _, res := range results {
		f := finding{
			Figure: res.key(), Size: res.size, Of: res.measure.of, Name: res.figure.name, Unit: res.figure.unit,
			Values: make(map[string]float64), Notes: res.notes, Floors: res.floors,
		}
		for name, s := range res.samples {
			if v := res.figure.of(s); !math.IsNaN(v) {
				f.Values[name] = v
			}
		}
		r.Findings = append(r.Findings, f)
	}
	r.Gaps = append(r.Gaps, gaps...)
	r.Machine.LoadAfter = load()
	r.Took = time.Since(r.Made).Round(time.Second).String()
}

// of is what the report tells of samples.
func (f figure) of(s samples) float64 {
	if f.quantile == 0 {
		return s.median()
	}
	return s.quantile(f.quantile)
}

// label names the finding, with its size.
func (f finding) label() string {
	if f.Of == "" {
		return f.Name
	}
	return thousands(f.Size) + " " + f.Of + ": " + f.Name
}

// shown is a daemon's value, or what is told instead.
func (f finding) shown(name string) string {
	if v, ok := f.Values[name]; ok {
		return show(v, f.Unit)
	}
	if note := f.Notes[name]; note != "" {
		return note
	}
	return "-"
}

// moreIsBetter tells units of work done in a second from all others, of which
// less is better.
func moreIsBetter(unit string) bool { return strings.HasSuffix(unit, "/s") }

// ratio is how many times better the first daemon is than the last; "" when
// that cannot be said.
func (r *report) ratio(f finding) string {
	first, ok1 := f.Values[r.first()]
	last, ok2 := f.Values[r.last()]
	if moreIsBetter(f.Unit) {
		first, last = last, first
	}
	if len(r.Daemons) < 2 || !ok1 || !ok2 || first == 0 {
		return ""
	}
	return show(last/first, "x")
}

// row is a line of the table: the finding's name, the daemons' values, the
// ratio, the floors and the goal.
func (r *report) row(f finding) []string {
	cells := []string{f.label()}
	for _, d := range r.Daemons {
		cells = append(cells, f.shown(d.Name))
	}
	var floors []string
	for _, v := range f.Floors {
		floors = append(floors, v.Name+" "+show(v.Value, f.Unit))
	}
	goal := ""
	if v, words := judge(f, r.first(), r.last()); v != none {
		goal = words + ": " + string(v)
	}
	return append(cells, r.ratio(f), strings.Join(floors, ", "), goal)
}

// text writes the report for a terminal.
func (r *report) text(w io.Writer) error {
	rows := [][]string{append(append([]string{""}, r.names()...), "ratio", "floor", "goal")}
	for _, f := range r.Findings {
		if !r.empty(f) {
			rows = append(rows, r.row(f))
		}
	}
	var b strings.Builder
	b.WriteString(r.Machine.summary() + "\n\n")
	for _, row := range rows {
		what := row[0]
		if len(what) > 84 {
			what = what[:81] + "..."
		}
		fmt.Fprintf(&b, "%-84s", what)
		for _, cell := range row[1 : len(row)-2] {
			fmt.Fprintf(&b, " %15s", cell)
		}
		fmt.Fprintf(&b, "  %-24s %s\n", row[len(row)-1], row[len(row)-2])
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(&b, "not measured: %s: %s\n", g.What, g.Why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// empty tells whether a finding says nothing; the gaps say why.
func (r *report) empty(f finding) bool {
	v, _ := judge(f, r.first(), r.last())
	return len(f.Values) == 0 && len(f.Notes) == 0 && v == none
}

func (r *report) names() []string {
	var names []string
	for _, d := range r.Daemons {
		names = append(names, d.Name)
	}
	return names
}

// first is the daemon that has the goals.
func (r *report) first() string { return r.Daemons[0].Name }

// last is the daemon that the first is compared with.
func (r *report) last() string { return r.Daemons[len(r.Daemons)-1].Name }

// summary is the machine in a line.
func (m machine) summary() string {
	return fmt.Sprintf("%s, %d cores, %s, load %s to %s", m.CPU, m.Cores, m.Kernel, m.LoadBefore, m.LoadAfter)
}

// publish writes the report to w, and the files that the options name.
func (r *report) publish(o options, w io.Writer) error {
	if err := r.text(w); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if o.out == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	name := strings.TrimSuffix(o.out, filepath.Ext(o.out)) + ".json"
	if err := errors.Join(os.WriteFile(name, append(data, '\n'), 0o644), r.writePage(o.out)); err != nil || o.readme == "" {
		return err
	}
	readme, err := os.ReadFile(o.readme)
	if err != nil {
		return fmt.Errorf("put the rows in: %w", err)
	}
	page, err := r.putRows(string(readme))
	if err != nil {
		return fmt.Errorf("%s: %w", o.readme, err)
	}
	return os.WriteFile(o.readme, []byte(page), 0o644)
}

// readReport reads the file of an earlier run.
func readReport(name string) (*report, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read an earlier report: %w", err)
	}
	r := new(report)
	err = json.Unmarshal(data, r)
	if err == nil && len(r.Daemons) == 0 {
		err = errors.New("it names no daemon")
	}
	if err != nil {
		return nil, fmt.Errorf("read an earlier report: want the JSON that -o has written, got %s: %w", name, err)
	}
	return r, nil
}

// procField is the value behind a name in a file of /proc, or "unknown".
func procField(file, name string) string {
	content, _ := os.ReadFile(file) // another system has none
	for line := range strings.Lines(string(content)) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			key, value, ok = strings.Cut(line, "=")
		}
		if ok && strings.TrimSpace(key) == name {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return "unknown"
}

// output is what a command says, or "unknown".
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// memory is how much the machine has.
func memory() string {
	var kb float64
	if _, err := fmt.Sscan(procField("/proc/meminfo", "MemTotal"), &kb); err != nil {
		return "unknown"
	}
	return show(kb/(1<<20), "GiB")
}

// load is the machine's load of 1, 5 and 15 minutes.
func load() string {
	content, _ := os.ReadFile("/proc/loadavg") // another system has none
	f := strings.Fields(string(content))
	return strings.Join(f[:min(3, len(f))], " ")
}

// quoteAll is a command line that a shell reads as these words.
func quoteAll(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if strings.ContainsAny(a, " '{}") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
