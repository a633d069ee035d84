package main

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	tests := []struct {
		s    samples
		q    float64
		want float64
	}{
		{samples{3, 1, 2}, 0.5, 2},
		{samples{1}, 0.99, 1},
		{samples{5, 4, 3, 2, 1}, 0.99, 5},
		{samples{1, 2}, 0, 1},
	}
	for _, tt := range tests {
		if got := tt.s.quantile(tt.q); got != tt.want {
			t.Errorf("%v.quantile(%v) = %v, want %v", tt.s, tt.q, got, tt.want)
		}
	}
	if got := (samples{}).median(); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
}

func TestSpawnedPIDs(t *testing.T) {
	log := "INFO spawned: 'a' with pid 12\nINFO supervisord started with pid 7\nINFO spawned: 'b' with pid 34\n"
	if got, want := spawnedPIDs(log), []int{12, 34}; !slices.Equal(got, want) {
		t.Errorf("spawnedPIDs(%q) = %v, want %v", log, got, want)
	}
}

func TestDaemonListSaysWhatItWants(t *testing.T) {
	var l daemonList
	if err := l.Set("old=/usr/bin/supervisord -n -c {conf}"); err != nil || len(l) != 1 || l[0].name != "old" {
		t.Errorf("Set(...) = %v, list %v; want one daemon named old", err, l)
	}
	for _, bad := range []string{"", "old", "old=", "=x {conf}", "old=/usr/bin/supervisord"} {
		if err := l.Set(bad); err == nil || !strings.Contains(err.Error(), "want name='command {conf}'") {
			t.Errorf("Set(%q) = %v, want an error that says what is wanted", bad, err)
		}
	}
}

func TestReportShowsEachDaemonAndTheRatio(t *testing.T) {
	m := measure{name: "x", figures: []figure{{"took", "time it takes", "ms", 0}}}
	o := options{daemons: daemonList{{"one", []string{"true"}}, {"two", []string{"true"}}}}
	r := newReport(o, []result{{m, 100, map[string]samples{"one": {2}, "two": {8}}}})
	var text bytes.Buffer
	r.text(&text)
	for _, want := range []string{"one", "two", "100 programs: time it takes", "2 ms", "8 ms", "4 x"} {
		if !strings.Contains(text.String(), want) || want != "one" && !strings.Contains(r.markdown(), want) {
			t.Errorf("the report lacks %q:\n%s\n%s", want, text.String(), r.markdown())
		}
	}
}

func TestUnknownMeasureIsNamed(t *testing.T) {
	b := &bench{options: options{only: "speed"}}
	_, err := b.measureAll(t.Context())
	if err == nil || !strings.Contains(err.Error(), `"speed"`) || !strings.Contains(err.Error(), "start") {
		t.Errorf("measureAll of an unknown measure = %v, want an error that names it and those there are", err)
	}
}
