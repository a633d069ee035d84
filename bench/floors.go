package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // floors/floor.c
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed floors/floor.c
var floorSource []byte

// floor is how fast the work of a measure can be done at all: by a small C
// program, or by a supervisor that does less.
type floor struct {
	name    string // for the report
	measure string // beside which it is taken
	most    int    // programs; more are left out. 0 for no bound
	// take returns the samples of each figure that it is a floor of, by key.
	take func(ctx context.Context, b *bench, size int) (map[string]samples, error)
}

// floorValue is what a floor came to.
type floorValue struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"` // in the figure's unit
}

// The floors that goals speak of.
const (
	floorFork = "fork+exec in C"
	floorS6   = "s6-svscan"
)

// floors are all there are. It is only read.
var floors = []floor{
	{floorFork, "start", 0, inC([]string{"start/all"}, "start", "fork", "{size}")},
	{"vfork+exec in C", "start", 0, inC([]string{"start/all"}, "start", "vfork", "{size}")},
	{"posix_spawn in C", "start", 0, inC([]string{"start/all"}, "start", "spawn", "{size}")},
	{floorS6, "start", manyPrograms, takeS6},
	{"kill, wait, fork in C", "restart", 0, inC([]string{"restart/p50", "restart/p99"}, "restart", "100")},
	{"splice in C", "capture", 0, inC([]string{"capture/cpu", "capture/rotated"}, "splice", "{size}", "{dir}/spliced")},
	{"reader in C", "processlog", 0, inC([]string{"processlog/bytes"}, "take", "{size}")},
	{"fsync of a file and its folder in C", "alert", 0, inC([]string{"alert/p50", "alert/p99"}, "keep", "{dir}", "100")},
}

// floorRounds is how often a floor is taken; once with very many programs and
// in a short run.
const floorRounds = 3

// buildFloor compiles floors/floor.c.
func (b *bench) buildFloor(ctx context.Context) []gap {
	source, binary := filepath.Join(b.dir, "floor.c"), filepath.Join(b.dir, "floor")
	if err := os.WriteFile(source, floorSource, 0o600); err != nil {
		return []gap{{"the floors in C", err.Error()}}
	}
	if out, err := exec.CommandContext(ctx, "gcc", "-O2", "-o", binary, source).CombinedOutput(); err != nil {
		return []gap{{"the floors in C", strings.TrimSpace(fmt.Sprintf("compile floors/floor.c: %v: %s", err, out))}}
	}
	b.floor = binary
	return nil
}

// takeFloors takes the floors of a job's measures and adds them to what was
// found.
func (b *bench) takeFloors(ctx context.Context, j job, found []*result) (gaps []gap) {
	for _, f := range floors {
		if ctx.Err() != nil || !j.has(f.measure) || f.most > 0 && j.size > f.most {
			continue
		}
		rounds, all := floorRounds, make(map[string]samples)
		if b.short || j.size >= manyPrograms {
			rounds = 1
		}
		for range rounds {
			b.say("%s: floor %s", j.title(), f.name)
			got, err := f.takeOnce(ctx, b, j.size)
			if err != nil {
				gaps = append(gaps, gap{"floor " + f.name + ", " + j.title(), err.Error()})
				break
			}
			for key, s := range got {
				all[key] = append(all[key], s...)
			}
		}
		for _, r := range found {
			if s := all[r.key()]; len(s) > 0 {
				r.floors = append(r.floors, floorValue{f.name, r.figure.of(s)})
			}
		}
	}
	return gaps
}

// takeOnce takes a floor once, within half the budget of a measure.
func (f floor) takeOnce(ctx context.Context, b *bench, size int) (map[string]samples, error) {
	const budget = defaultBudget / 2
	bounded, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	got, err := f.take(bounded, b, size)
	if err == nil {
		return got, nil
	}
	b.sweep()
	switch {
	case ctx.Err() != nil:
		err = errInterrupted
	case bounded.Err() != nil:
		err = fmt.Errorf("not done within %v", budget)
	}
	return nil, err
}

// inC runs the floor program, which prints a sample a line.
func inC(keys []string, args ...string) func(context.Context, *bench, int) (map[string]samples, error) {
	return func(ctx context.Context, b *bench, size int) (map[string]samples, error) {
		if b.floor == "" {
			return nil, errors.New("there is no floor program")
		}
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = strings.NewReplacer("{size}", strconv.Itoa(size), "{dir}", b.dir).Replace(a)
		}
		cmd := exec.CommandContext(ctx, b.floor, words...)
		cmd.Env = b.environ()
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("run floor %s: %w: %s", strings.Join(words, " "), err, &said)
		}
		var s samples
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
			v, err := strconv.ParseFloat(lines.Text(), 64)
			if err != nil {
				return nil, fmt.Errorf("run floor %s: want a number, got %q", strings.Join(words, " "), lines.Text())
			}
			s = append(s, v)
		}
		got := make(map[string]samples)
		for _, key := range keys {
			got[key] = s
		}
		return got, nil
	}
}
