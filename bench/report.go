package main

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// report is what a run has found.
type report struct {
	options
	results []result
}

func newReport(o options, results []result) report { return report{o, results} }

// row is one figure of all daemons.
type row struct {
	what   string
	values []string // a daemon each
	ratio  string   // of the last to the first
}

// rows are the report's lines.
func (r report) rows() []row {
	var rows []row
	for _, res := range r.results {
		f := res.measure.figures[0]
		out := row{what: f.name}
		if res.size > 1 {
			out.what = fmt.Sprintf("%d programs: %s", res.size, f.name)
			if res.measure.name == "capture" {
				out.what = fmt.Sprintf("%d MB of lines: %s", res.size, f.name)
			}
		}
		var values []float64
		for _, d := range r.daemons {
			q := f.quantile
			if q == 0 {
				q = 0.5
			}
			v := res.samples[d.name].quantile(q)
			values = append(values, v)
			out.values = append(out.values, show(v, f.unit))
		}
		if first, last := values[0], values[len(values)-1]; len(values) > 1 && first > 0 {
			out.ratio = show(last/first, "x")
		}
		rows = append(rows, out)
	}
	return rows
}

// text writes the report for a terminal.
func (r report) text(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s\n\n%-90s", machine(), "") // a terminal that is gone has no reader
	for _, d := range r.daemons {
		_, _ = fmt.Fprintf(w, "%16s", d.name)
	}
	_, _ = fmt.Fprintln(w)
	for _, row := range r.rows() {
		_, _ = fmt.Fprintf(w, "%-90s", row.what)
		for _, v := range row.values {
			_, _ = fmt.Fprintf(w, "%16s", v)
		}
		_, _ = fmt.Fprintf(w, "%12s\n", row.ratio)
	}
}

// markdown is the report as a page.
func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nOne run on %s.\n\n", machine())
	fmt.Fprintf(&b, "Medians, unless the row says otherwise; the daemons took turns. Made with\n`go run ./bench %s`.\nThe daemons:\n\n", strings.Join(r.args, " "))
	for _, d := range r.daemons {
		fmt.Fprintf(&b, "- %s: version %s\n", d.name, version(d))
	}
	b.WriteString("\n| measure |")
	for _, d := range r.daemons {
		fmt.Fprintf(&b, " %s |", d.name)
	}
	b.WriteString(" ratio |\n|---|")
	b.WriteString(strings.Repeat("---|", len(r.daemons)+1) + "\n")
	for _, row := range r.rows() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.what, strings.Join(row.values, " | "), row.ratio)
	}
	return b.String()
}

// version asks a daemon for its version.
func version(d daemon) string {
	out, err := exec.Command(d.command[0], "--version").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
