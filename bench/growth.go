package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// growth is a figure at several numbers of programs.
type growth struct {
	figure     string // its key: start/all
	name, unit string
	at         []finding // from few programs to many
}

// growths are the figures that were measured with several numbers of
// programs. None of those that count work done in a second: they shrink.
func (r *report) growths() []growth {
	var list []growth
	index := make(map[string]int)
	for _, f := range r.Findings {
		if f.Of == "" || f.Size == 0 || moreIsBetter(f.Unit) {
			continue
		}
		i, known := index[f.Figure]
		if !known {
			i = len(list)
			index[f.Figure] = i
			list = append(list, growth{figure: f.Figure, name: f.Name, unit: f.Unit})
		}
		list[i].at = append(list[i].at, f)
	}
	list = slices.DeleteFunc(list, func(g growth) bool { return len(g.at) < 2 })
	for _, g := range list {
		slices.SortFunc(g.at, func(x, y finding) int { return x.Size - y.Size })
	}
	return list
}

// exponent says how a daemon's figure grows between the two largest numbers of
// programs: 1 is in proportion, 2 is with the square.
func (g growth) exponent(name string) (float64, bool) {
	last, before := g.at[len(g.at)-1], g.at[len(g.at)-2]
	v, ok1 := last.Values[name]
	w, ok2 := before.Values[name]
	if !ok1 || !ok2 || v <= 0 || w <= 0 {
		return 0, false
	}
	return math.Log(v/w) / math.Log(float64(last.Size)/float64(before.Size)), true
}

// growthVerdict judges a power.
func growthVerdict(exponent float64) verdict {
	if exponent <= linear {
		return reached
	}
	return missed
}

// growthTable is how the figures grow, in Markdown. The first daemon's are
// judged.
func (r *report) growthTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "A figure that grows with the programs to the power of 1 grows in proportion; the goal is a power of at most\n"+
		"%g, between the two largest numbers.\n\n", linear)
	var rows [][]string
	for _, g := range r.growths() {
		for _, d := range r.Daemons {
			var values []string
			for _, f := range g.at {
				values = append(values, thousands(f.Size)+": "+f.human(d.Name))
			}
			power, goal := "-", ""
			if e, ok := g.exponent(d.Name); ok {
				power = fmt.Sprintf("%.2f", e)
				if d.Name == r.first() {
					goal = string(growthVerdict(e))
				}
				if goal == string(missed) {
					goal = seeWhy(goal, g.figure)
				}
			}
			rows = append(rows, []string{g.name, d.Name, strings.Join(values, ", "), power, goal})
		}
	}
	if len(rows) == 0 {
		return "No figure was measured with several numbers of programs.\n"
	}
	b.WriteString(table([]string{"measure", "daemon", "programs: figure", "power", "goal"}, rows))
	return b.String()
}
