package main

import (
	"bytes"
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
			{Figure: "storm/rate", Size: 1, Name: "delivered", Unit: "events/s", Values: map[string]float64{"one": 50000}},
			{
				Figure: "stop/groups", Size: 5000, Of: "programs", Name: "stop", Unit: "ms",
				Values: map[string]float64{"one": 2}, Notes: map[string]string{"two": "over 20 s"},
			},
		},
		Gaps: []gap{{"two, storm/rate", "it said no"}},
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
	if want := "not measured: two, storm/rate: it said no"; !strings.Contains(text.String(), want) {
		t.Errorf("the text lacks %q:\n%s", want, &text)
	}
}

func TestReportIsReadAgain(t *testing.T) {
	var first, second bytes.Buffer
	o := options{out: filepath.Join(t.TempDir(), "b.md")}
	if err := someReport().publish(o, &first); err != nil {
		t.Fatal(err)
	}
	r, err := readReport(strings.TrimSuffix(o.out, ".md") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.publish(o, &second); err != nil || first.String() != second.String() {
		t.Errorf("the report read again = %v\n%s\nwant\n%s", err, &second, &first)
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
