package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// someReport is a report of two daemons with a goal reached, one missed, and
// one that depends on what was not measured.
func someReport() *report {
	return &report{
		Command: "go run ./bench", Daemons: []subject{{Name: "one"}, {Name: "two"}},
		Findings: []finding{
			{
				Figure: "start/all", Size: 1000, Of: "programs", Name: "all run", Unit: "ms",
				Values: map[string]float64{"one": 900, "two": 3600}, Floors: []floorValue{{floorFork, 800}, {floorS6, 1200}},
			},
			{Figure: "restart/p99", Size: 1, Name: "next start, p99", Unit: "ms", Values: map[string]float64{"one": 11, "two": 1007}},
			{Figure: "storm/many-rate", Size: 1, Name: "delivered", Unit: "events/s", Values: map[string]float64{"one": 50000}},
			{
				Figure: "stop/groups", Size: 5000, Of: "programs", Name: "stop", Unit: "ms",
				Values: map[string]float64{"one": 2}, Notes: map[string]string{"two": "over 20 s"},
			},
		},
		Gaps: []gap{{"two, storm/many-rate", "it said no"}},
	}
}

func TestReportShowsDaemonsRatioFloorAndGoal(t *testing.T) {
	r := someReport()
	want := []string{
		"1,000 programs: all run|900 ms|3600 ms|4 x|fork+exec in C 800 ms, s6-svscan 1200 ms|as s6-svscan: reached",
		"next start, p99|11 ms|1007 ms|91.5 x||10 ms: missed",
		"delivered|50000 events/s|-|||5 x two: not measured",
		"5,000 programs: stop|2 ms|over 20 s|||",
	}
	var text bytes.Buffer
	if err := r.text(&text); err != nil {
		t.Fatal(err)
	}
	for i, f := range r.Findings {
		got := r.row(f)
		if strings.Join(got, "|") != want[i] {
			t.Errorf("row of %s = %q, want %q", f.Figure, strings.Join(got, "|"), want[i])
		}
		if !strings.Contains(text.String(), got[0]) || !strings.Contains(text.String(), got[1]) {
			t.Errorf("the text lacks %q or %q:\n%s", got[0], got[1], &text)
		}
	}
	if want := "not measured: two, storm/many-rate: it said no"; !strings.Contains(text.String(), want) {
		t.Errorf("the text lacks %q:\n%s", want, &text)
	}
}

// writeReport writes a report as a run does and returns the path of its page.
func writeReport(t *testing.T, r *report) string {
	t.Helper()
	page := filepath.Join(t.TempDir(), "b.md")
	if err := os.MkdirAll(imagesOf(page), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.publish(options{out: page}, io.Discard); err != nil {
		t.Fatal(err)
	}
	return page
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestReportIsWrittenAgainWithItsNotes(t *testing.T) {
	page := writeReport(t, someReport())
	note := notesBegin + "\n\n`restart/p99`: the disk is slow.\n\n" + notesEnd
	want := strings.Replace(readFile(t, page), notesBegin+"\n\n"+notesEnd, note, 1)
	if !strings.Contains(want, note) {
		t.Fatalf("the page has no place for notes:\n%s", want)
	}
	plots := readFile(t, filepath.Join(imagesOf(page), "bench-growth.svg"))
	if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte("before\n"+rowsBegin+"\n| old |\n"+rowsEnd+"\nbehind\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	data := strings.TrimSuffix(page, ".md") + ".json"
	if err := run(t.Context(), []string{"-from", data, "-o", page, "-readme", readme}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, page); got != want {
		t.Errorf("the page written again =\n%s\nwant\n%s", got, want)
	}
	if got := readFile(t, filepath.Join(imagesOf(page), "bench-growth.svg")); got != plots {
		t.Errorf("the plot written again =\n%s\nwant\n%s", got, plots)
	}
	got, wantRows := readFile(t, readme), "| start of 1,000 programs | 900 ms | 3.6 s |"
	if !strings.HasPrefix(got, "before\n"+rowsBegin+"\n") || !strings.Contains(got, wantRows) || !strings.HasSuffix(got, rowsEnd+"\nbehind\n") {
		t.Errorf("README.md = %q, want the row %q between the marks", got, wantRows)
	}
}

func TestReadmeWithoutMarksIsRefused(t *testing.T) {
	page := writeReport(t, someReport())
	readme := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(readme, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-from", strings.TrimSuffix(page, ".md") + ".json", "-o", page, "-readme", readme}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), readme) || !strings.Contains(err.Error(), rowsBegin) {
		t.Errorf("a README without marks: %v, want an error that names it and %s", err, rowsBegin)
	}
}

func TestGrowthIsJudgedByItsPower(t *testing.T) {
	at := func(size int, one, two float64) finding {
		return finding{Figure: "start/all", Size: size, Of: "programs", Name: "all run", Unit: "ms", Values: map[string]float64{"one": one, "two": two}}
	}
	r := &report{
		Daemons:  []subject{{Name: "one"}, {Name: "two"}},
		Findings: []finding{at(1000, 10, 100), at(100, 1, 1), {Figure: "storm/many-rate", Unit: "events/s", Size: 1}},
	}
	table := r.growthTable()
	for _, want := range []string{
		"| all run | one | 100: 1 ms, 1,000: 10 ms | 1.00 | reached |",
		"| all run | two | 100: 1 ms, 1,000: 100 ms | 2.00 |  |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

func TestGoalsAreOfFiguresThatThereAre(t *testing.T) {
	units := make(map[string]string)
	for _, m := range measures {
		for _, f := range m.figures {
			key := m.name + "/" + f.key
			if _, twice := units[key]; twice {
				t.Errorf("there are two figures %s", key)
			}
			units[key] = f.unit
		}
	}
	for _, g := range goals {
		if _, known := units[g.figure]; !known {
			t.Errorf("a goal is of %s, which no measure yields", g.figure)
		}
		if g.floor == "" {
			continue
		}
		if !strings.Contains(floorNames(), g.floor) {
			t.Errorf("the goal of %s names the floor %q; there are %s", g.figure, g.floor, floorNames())
		}
	}
}

// floorNames are those of all floors.
func floorNames() string {
	var names []string
	for _, f := range floors {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}
