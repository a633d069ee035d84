package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// drawing is an SVG file in the making. It brings its own background, so that
// it can be read on a page that is darker or lighter than its reader's taste.
type drawing struct{ b strings.Builder }

// seriesColors are those of the daemons, in light and in dark, in their order;
// the first two differ to every kind of eye.
var seriesColors = [][2]string{{"#0969da", "#58a6ff"}, {"#bc4c00", "#f0883e"}, {"#1a7f37", "#3fb950"}, {"#8250df", "#bc8cff"}}

// newDrawing begins a drawing of so many pixels. The title is for who cannot
// see it.
func newDrawing(width, height int, title string) *drawing {
	d := new(drawing)
	fmt.Fprintf(&d.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">`+"\n", width, height)
	fmt.Fprintf(&d.b, "<title>%s</title>\n<style>\n", escape(title))
	d.b.WriteString("text { font: 13px -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #1f2328 }\n" +
		".strong { font-weight: 600 } .small { font-size: 11px } .weak { fill: #59636e }\n" +
		".back { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0; fill: none } .guide { stroke: #818b98; stroke-dasharray: 4 4; fill: none }\n")
	dark := "text { fill: #f0f6fc } .weak { fill: #9198a1 } .back { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d } .guide { stroke: #818b98 }\n"
	for i, c := range seriesColors {
		fmt.Fprintf(&d.b, ".fill%d { fill: %s } .line%[1]d { stroke: %[2]s; stroke-width: 2; fill: none }\n", i, c[0])
		dark += fmt.Sprintf(".fill%d { fill: %s } .line%[1]d { stroke: %[2]s }\n", i, c[1])
	}
	fmt.Fprintf(&d.b, "@media (prefers-color-scheme: dark) {\n%s}\n</style>\n", dark)
	fmt.Fprintf(&d.b, `<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="6"/>`+"\n", width-1, height-1)
	return d
}

// String is the finished file.
func (d *drawing) String() string { return d.b.String() + "</svg>\n" }

// text writes s. Anchor is start, middle or end, of which x is the place.
func (d *drawing) text(x, y float64, anchor, class, s string) {
	if s == "" {
		return
	}
	fmt.Fprintf(&d.b, `<text x="%s" y="%s" text-anchor="%s" class="%s">%s</text>`+"\n", px(x), px(y), anchor, class, escape(s))
}

func (d *drawing) rect(x, y, width, height float64, class string) {
	fmt.Fprintf(&d.b, `<rect x="%s" y="%s" width="%s" height="%s" rx="2" class="%s"/>`+"\n", px(x), px(y), px(width), px(height), class)
}

func (d *drawing) dot(x, y float64, class string) {
	fmt.Fprintf(&d.b, `<circle cx="%s" cy="%s" r="3.5" class="%s"/>`+"\n", px(x), px(y), class)
}

// line joins points, given as x and y in turn.
func (d *drawing) line(class string, points ...float64) {
	if len(points) < 4 {
		return
	}
	words := make([]string, len(points))
	for i, p := range points {
		words[i] = px(p)
	}
	fmt.Fprintf(&d.b, `<polyline points="%s" class="%s"/>`+"\n", strings.Join(words, " "), class)
}

// legend writes the daemons' names with their colours from x on, and returns
// where it ends.
func (d *drawing) legend(x, y float64, names []string) float64 {
	for i, name := range names {
		d.rect(x, y-10, 12, 12, fmt.Sprintf("fill%d", i%len(seriesColors)))
		d.text(x+18, y, "start", "strong", name)
		x += 18 + 8*float64(len(name)) + 24
	}
	return x
}

// px is a place with a tenth of a pixel.
func px(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

// escape is text as XML has it.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}
