package main

import (
	"io"
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
	if err := l.Set("old=/bin/true -n -c {conf}"); err != nil || len(l) != 1 || l[0].name != "old" {
		t.Errorf("Set(...) = %v, list %v; want one daemon named old", err, l)
	}
	for _, bad := range []string{"", "old", "old=", "=x {conf}", "old=/usr/bin/supervisord"} {
		if err := l.Set(bad); err == nil || !strings.Contains(err.Error(), "want name='command {conf}'") {
			t.Errorf("Set(%q) = %v, want an error that says what is wanted", bad, err)
		}
	}
}

func TestRunRefusesWhatItDoesNotKnow(t *testing.T) {
	tests := []struct {
		args []string
		want string // part of the error
	}{
		{[]string{"-only", "start,speed"}, `no measure "speed"; want some of start, `},
		{[]string{"-programs", "1,many"}, `want numbers of programs from 1 to 20000 with commas between, got "many"`},
		{[]string{"-programs", "0"}, `got "0"`},
		{[]string{"-rounds", "-1"}, "want a number of rounds from 0, got -rounds -1"},
		{[]string{"-daemon", "x=/no/such/command {conf}"}, "a command that can be run"},
		{[]string{"old=/bin/true {conf}"}, `want options alone, got "old=/bin/true {conf}"`},
		{[]string{"-readme", "README.md"}, "-readme wants -o"},
		{[]string{"-from", "/no/such/file"}, "/no/such/file"},
		{[]string{"-speed"}, "-speed"},
	}
	for _, tt := range tests {
		err := run(t.Context(), tt.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%q) = %v, want an error with %q", tt.args, err, tt.want)
		}
	}
}
