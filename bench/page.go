package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The marks of what a run keeps or replaces in a page.
const (
	notesBegin = "<!-- written by hand, and kept by every run -->"
	notesEnd   = "<!-- to here -->"
	rowsBegin  = "<!-- written by make bench -->"
	rowsEnd    = "<!-- to here -->"
)

// pageHead says how to read the page and how to make it.
const pageHead = `# Benchmarks

` + "`make bench`" + ` measures daemons beside each other, from outside, on one machine in one run, and
writes this page. The daemons take turns. Figures are medians unless the row says otherwise, and
those of a shared machine drift: trust the ratios more than the figures, and CPU time more than wall
time. A floor is what the same work takes a C program that does nothing else, or a supervisor that
does less, in the same run.

` + "```" + `
make bench          # about fifteen minutes; writes this page and the rows in README.md
make bench-short    # a minute or two, to the terminal alone
go run ./bench -only restart,status
` + "```" + `

Any daemon that takes Supervisor's configuration can be measured. Name it, and write ` + "`{conf}`" + ` where
its command wants the file; it must stay in the foreground. Its supervisorctl is the one in the same
folder. Goals are those of the first daemon, and the ratio says how many times better it is than the
last:

` + "```" + `
go run ./bench -daemon mine='/opt/mine/supervisord -n -c {conf}' -daemon python='/usr/bin/supervisord -n -c {conf}'
` + "```" + `
`

// writePage writes the report as Markdown, with its plots, and keeps what was
// written into the page by hand.
func (r *report) writePage(name string) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the last report: %w", err)
	}
	err = nil // a first run has none
	files := map[string]string{name: r.page(string(old))}
	for image, content := range r.images() {
		files[filepath.Join(imagesOf(name), image)] = content
	}
	for file, content := range files {
		err = errors.Join(err, os.WriteFile(file, []byte(content), 0o644))
	}
	return err
}

// imagesOf is the folder of the plots of a page.
func imagesOf(page string) string { return filepath.Join(filepath.Dir(page), "images") }

// images are the report's plots, by file name.
func (r *report) images() map[string]string {
	return map[string]string{"bench-summary.svg": r.summaryPlot(), "bench-growth.svg": r.growthPlot()}
}

// page is the report as Markdown. Its notes are those of the page before.
func (r *report) page(old string) string {
	var b strings.Builder
	b.WriteString(pageHead)
	fmt.Fprintf(&b, "\n## In five rows\n\n%s\n%s%s\n\n![The five rows as bars](images/bench-summary.svg)\n", rowsBegin, r.summaryTable(), rowsEnd)
	b.WriteString("\n## Every figure\n\n")
	b.WriteString(table(append(append([]string{"measure"}, r.names()...), "ratio", "floor", "goal"), r.pageRows()))
	b.WriteString("\n## What limits what was missed\n\n" + notesBegin + "\n")
	_, notes, found := strings.Cut(old, notesBegin+"\n")
	notes, _, ended := strings.Cut(notes, notesEnd)
	if !found || !ended {
		notes = "\n"
	}
	b.WriteString(notes + notesEnd + "\n")
	b.WriteString("\n## Growth\n\nBoth axes are logarithmic; the dashed line is what grows in proportion to the programs.\n\n" +
		"![Each figure at several numbers of programs](images/bench-growth.svg)\n\n")
	b.WriteString(r.growthTable())
	b.WriteString("\n## Not measured\n\n")
	for _, g := range r.Gaps {
		fmt.Fprintf(&b, "- %s: %s\n", g.What, strings.Join(strings.Fields(g.Why), " "))
	}
	if len(r.Gaps) == 0 {
		b.WriteString("Everything was.\n")
	}
	b.WriteString("\n## The machine and the run\n\n")
	b.WriteString(table([]string{"what", "it was"}, r.circumstances()))
	return b.String()
}

// pageRows are the rows of the page's table. One that was missed refers to
// what limits it.
func (r *report) pageRows() [][]string {
	sizes := make(map[string][]int)
	for _, f := range r.Findings {
		sizes[f.Figure] = append(sizes[f.Figure], f.Size)
	}
	var rows [][]string
	for _, f := range r.Findings {
		v, _ := judge(f, r.first(), r.last())
		if r.empty(f) || v == none && f.Size != usual(sizes[f.Figure]) {
			continue // the table of the growth has it
		}
		row := r.row(f)
		if v == missed {
			row[len(row)-1] = seeWhy(row[len(row)-1], f.Figure)
		}
		rows = append(rows, row)
	}
	return rows
}

// seeWhy refers from a missed goal to what the notes say of its figure.
func seeWhy(goal, figure string) string {
	return fmt.Sprintf("%s ([%s](#what-limits-what-was-missed))", goal, figure)
}

// usual is the size that most goals speak of, or else the largest.
func usual(sizes []int) int {
	if slices.Contains(sizes, 1000) {
		return 1000
	}
	return slices.Max(sizes)
}

// circumstances are the state of the machine, the versions and the command.
func (r *report) circumstances() [][]string {
	rows := [][]string{
		{"made", r.Made.Format("2006-01-02 15:04 MST") + ", in " + r.Took},
		{"command", "`" + r.Command + "`, at commit " + r.Commit},
		{"CPU", fmt.Sprintf("%s, %d cores", r.Machine.CPU, r.Machine.Cores)},
		{"memory", r.Machine.Memory},
		{"system", r.Machine.System + ", " + r.Machine.Kernel},
		{"Go", r.Machine.Go},
		{"load (1, 5, 15 minutes)", r.Machine.LoadBefore + " before, " + r.Machine.LoadAfter + " after"},
	}
	for _, d := range r.Daemons {
		rows = append(rows, []string{d.Name, "says version " + d.Version + ", `" + d.Command + "`"})
	}
	return rows
}

// table is a table in Markdown.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	for _, row := range slices.Concat([][]string{head, slices.Repeat([]string{"---"}, len(head))}, rows) {
		b.WriteString("| " + strings.ReplaceAll(strings.Join(row, "\x00"), "|", `\|`) + " |\n")
	}
	return strings.ReplaceAll(b.String(), "\x00", " | ")
}

// putRows replaces what stands between the marks of a page by the rows.
func (r *report) putRows(page string) (string, error) {
	before, rest, found := strings.Cut(page, rowsBegin+"\n")
	_, after, ended := strings.Cut(rest, rowsEnd)
	if !found || !ended {
		return "", fmt.Errorf("put the rows in: want a line %s and behind it %s", rowsBegin, rowsEnd)
	}
	return before + rowsBegin + "\n" + r.summaryTable() + rowsEnd + after, nil
}

// summaryRow is a figure that matters to who uses a daemon, in his words.
type summaryRow struct {
	figure string
	size   int    // the preferred one
	words  string // {n} stands for the size
}

// summary are the rows of the README and its plot. It is only read.
var summary = []summaryRow{
	{"start/all", 1000, "start of {n} programs"},
	{"restart/p50", 1, "from a program's crash to its next start"},
	{"deaths/lost", 200, "crashes of {n} at once that a slow listener never hears of"},
	{"status/wall", 100, "`supervisorctl status` of {n} programs"},
	{"memory/pss", 1000, "memory, with {n} idle programs"},
}

// summaryFindings are the findings of the summary's rows, as far as they were
// measured: of the preferred size, or of any, with the row's words for a name.
func (r *report) summaryFindings() []finding {
	var list []finding
	for _, s := range summary {
		var best *finding
		for i, f := range r.Findings {
			if f.Figure == s.figure && (best == nil || f.Size == s.size) {
				best = &r.Findings[i]
			}
		}
		if best == nil {
			continue
		}
		f := *best
		f.Name, f.Of = strings.ReplaceAll(s.words, "{n}", thousands(f.Size)), ""
		list = append(list, f)
	}
	return list
}

// summaryTable is the summary in Markdown.
func (r *report) summaryTable() string {
	var rows [][]string
	for _, f := range r.summaryFindings() {
		row := []string{f.Name}
		for _, d := range r.Daemons {
			row = append(row, f.human(d.Name))
		}
		rows = append(rows, row)
	}
	return table(append([]string{"measure"}, r.titles()...), rows)
}

// human is a daemon's value with the unit that a person would choose.
func (f finding) human(name string) string {
	v, ok := f.Values[name]
	switch {
	case ok && f.Unit == "ms" && v >= 1000:
		return show(v/1000, "s")
	case ok && f.Unit == "lost":
		return fmt.Sprintf("%.0f", v)
	}
	return f.shown(name)
}
