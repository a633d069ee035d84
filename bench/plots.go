package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// summaryPlot draws the summary's rows as bars, each row to its own scale.
func (r *report) summaryPlot() string {
	const (
		width, left, longest = 840, 24.0, 620.0
		head, bar, gap, rest = 62.0, 16.0, 4.0, 46.0
	)
	rows := r.summaryFindings()
	step := float64(len(r.Daemons))*(bar+gap) + rest
	d := newDrawing(width, int(head+step*float64(len(rows))), "Five figures of "+strings.Join(r.titles(), " and "))
	end := d.legend(left, 34, r.titles())
	d.text(end, 34, "start", "weak", "shorter is better; each row has its own scale")
	for i, f := range rows {
		y := head + step*float64(i) + 14
		d.text(left, y, "start", "strong", strings.ReplaceAll(f.Name, "`", ""))
		most := 0.0
		for _, v := range f.Values {
			most = max(most, v)
		}
		for j, name := range r.names() {
			top := y + 10 + float64(j)*(bar+gap)
			length := f.length(name, most) * longest
			if length > 0 {
				d.rect(left, top, max(2, length), bar, fmt.Sprintf("fill%d", j%len(seriesColors)))
			}
			said := f.human(name)
			if ratio := r.ratio(f); j == 0 && ratio != "" {
				said += fmt.Sprintf("  (%s)", strings.Replace(ratio, " x", "× better", 1))
			}
			d.text(left+length+8, top+bar-4, "start", "", said)
		}
	}
	return d.String()
}

// length is a daemon's part of the longest bar. What took too long is as long.
func (f finding) length(name string, most float64) float64 {
	switch {
	case f.Notes[name] != "":
		return 1
	case most > 0:
		return f.Values[name] / most
	}
	return 0
}

// titles are the daemons' names, and the versions of those that are compared
// with.
func (r *report) titles() []string {
	var list []string
	for i, d := range r.Daemons {
		if i > 0 && d.Version != "unknown" {
			d.Name += " " + d.Version
		}
		list = append(list, d.Name)
	}
	return list
}

// panel is where in a drawing one figure's growth stands.
type panel struct {
	x, y, width, height  float64
	fromN, toN, from, to float64 // the ends of the axes
}

// at is where a value at a number of programs lies.
func (p panel) at(n, v float64) (x, y float64) {
	x = p.x + p.width*math.Log(n/p.fromN)/math.Log(p.toN/p.fromN)
	return x, p.y + p.height*(1-math.Log(v/p.from)/math.Log(p.to/p.from))
}

// growthPlot draws every figure that was measured with several numbers of
// programs, both axes logarithmic.
func (r *report) growthPlot() string {
	const (
		columns, width, height = 3, 320, 250
		head                   = 54
	)
	all := r.growths()
	lines := (len(all) + columns - 1) / columns
	d := newDrawing(columns*width+16, head+lines*height+8, "Growth with the number of programs of "+strings.Join(r.titles(), " and "))
	end := d.legend(24, 34, r.titles())
	d.line("guide", end, 30, end+30, 30)
	d.text(end+38, 34, "start", "weak", "in proportion to the programs")
	for i, g := range all {
		p := panel{x: float64(8 + i%columns*width + 66), y: float64(head + i/columns*height + 54), width: width - 96, height: height - 92}
		r.growthPanel(d, g, p)
	}
	return d.String()
}

// growthPanel draws one figure.
func (r *report) growthPanel(d *drawing, g growth, p panel) {
	low, high := math.Inf(1), 0.0
	for _, f := range g.at {
		for _, v := range f.Values {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	for i, line := range wrap(g.name, 44) {
		d.text(p.x-50, p.y-36+14*float64(i), "start", "small strong", line)
	}
	if high == 0 {
		d.text(p.x, p.y+p.height/2, "start", "small weak", "not measured")
		return
	}
	p.fromN, p.toN = float64(g.at[0].Size), float64(g.at[len(g.at)-1].Size)
	p.from = math.Pow(10, math.Floor(math.Log10(low)))
	p.to = max(p.from*10, math.Pow(10, math.Ceil(math.Log10(high))))
	for v := p.from; v < p.to*1.01; v *= 10 {
		_, y := p.at(p.fromN, v)
		d.line("grid", p.x, y, p.x+p.width, y)
		d.text(p.x-6, y+4, "end", "small weak", finding{Unit: g.unit, Values: map[string]float64{"": v}}.human(""))
	}
	for _, f := range g.at {
		x, _ := p.at(float64(f.Size), p.from)
		d.line("grid", x, p.y, x, p.y+p.height)
		d.text(x, p.y+p.height+15, "middle", "small weak", thousands(f.Size))
	}
	p.guide(d, g, r.first())
	for i, name := range slices.Backward(r.names()) { // the first on top
		p.series(d, g, name, i%len(seriesColors))
	}
}

// series draws a daemon's figures. Where there is none the line is broken, and
// what is told instead stands at the top.
func (p panel) series(d *drawing, g growth, name string, color int) {
	var points []float64
	for _, f := range g.at {
		v := f.Values[name]
		if v <= 0 {
			d.line(fmt.Sprintf("line%d", color), points...)
			points = nil
			x, _ := p.at(float64(f.Size), p.from)
			d.text(x, p.y-4, "middle", fmt.Sprintf("small fill%d", color), f.Notes[name])
			continue
		}
		x, y := p.at(float64(f.Size), v)
		points = append(points, x, y)
		d.dot(x, y, fmt.Sprintf("fill%d", color))
	}
	d.line(fmt.Sprintf("line%d", color), points...)
}

// guide draws what grows in proportion from a daemon's first figure on, as far
// as the panel goes.
func (p panel) guide(d *drawing, g growth, name string) {
	v := g.at[0].Values[name]
	if v <= 0 {
		return
	}
	n := min(p.toN, p.fromN*p.to/v)
	x1, y1 := p.at(p.fromN, v)
	x2, y2 := p.at(n, v*n/p.fromN)
	d.line("guide", x1, y1, x2, y2)
}

// wrap breaks text into lines of so many letters at most.
func wrap(s string, most int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(s) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= most:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
