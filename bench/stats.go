package main

import (
	"fmt"
	"math"
	"slices"
)

// samples are the values of one figure for one daemon.
type samples []float64

// median is the middle value; NaN when there is none.
func (s samples) median() float64 { return s.quantile(0.5) }

// quantile is the value below which the fraction q of the samples lies.
func (s samples) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// show prints a value with as many digits as it is worth.
func show(v float64, unit string) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v == 0:
		return "0 " + unit
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	case math.Abs(v) >= 1:
		return fmt.Sprintf("%.3g %s", v, unit)
	}
	return fmt.Sprintf("%.2g %s", v, unit)
}

// thousands prints a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
