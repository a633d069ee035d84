package main

// goal is what the first daemon must reach in a figure.
type goal struct {
	figure string // its key: start/all
	size   int    // of programs, or what else is counted; anySize for every one
	// One of these says how much; none of them, that it must be zero.
	atMost float64 // in the figure's unit
	floor  string  // no more than the floor of that name came to in the same run
	times  float64 // so many times what the last daemon reached in the same run
}

const anySize = -1

// goals are all there are. It is only read.
var goals = []goal{
	{figure: "start/all", size: 1000, floor: floorS6},
	{figure: "start/rpc", size: 1000, atMost: 20},
	{figure: "start/rpc-p99", size: 1000, atMost: 20},
	{figure: "stop/groups", size: 1000, atMost: 500},
	{figure: "stopgroup/group", size: 1000, atMost: 500},
	{figure: "restart/exit-p50", size: anySize, atMost: 2},
	{figure: "restart/exit-p99", size: anySize, atMost: 10},
	{figure: "restart/p50", size: anySize, atMost: 2},
	{figure: "restart/p99", size: anySize, atMost: 10},
	{figure: "restart/told-p50", size: anySize, atMost: 2},
	{figure: "restart/told-p99", size: anySize, atMost: 10},
	{figure: "deaths/lost", size: anySize},
	{figure: "storm/lost", size: anySize},
	{figure: "storm/many-rate", size: anySize, times: 5},
	{figure: "storm/many-lost", size: anySize},
	{figure: "processlog/bytes", size: anySize, times: 5},
	{figure: "processlog/lost", size: anySize},
	{figure: "capture/cpu", size: anySize, atMost: 0.36},
	{figure: "capture/rotated", size: anySize, atMost: 0.40},
	{figure: "lines/cpu", size: anySize, atMost: 1.5},
	{figure: "chatter/cpu", size: 1000, atMost: 4},
	{figure: "memory/pss", size: 0, atMost: 8},
	{figure: "memory/pss", size: 100, atMost: 10},
	{figure: "memory/pss", size: 1000, atMost: 22},
	{figure: "memory/pss", size: 5000, atMost: 80},
	{figure: "idle/cpu", size: 1000, atMost: 0.01},
	{figure: "state/p50", size: 1000, atMost: 0.1},
	{figure: "allinfo/cpu", size: 1000, atMost: 2},
	{figure: "status/wall", size: 100, atMost: 12},
	{figure: "status/wall", size: 1000, atMost: 40},
	{figure: "alert/p50", size: anySize, atMost: 5},
	{figure: "alert/p99", size: anySize, atMost: 50},
	{figure: "tools/supervisorctl-first", size: anySize, atMost: 10},
	{figure: "tools/listener-ready", size: anySize, atMost: 10},
	{figure: "tools/listener-rss", size: anySize, atMost: 12},
	{figure: "tools/slackalert-rss", size: anySize, atMost: 12},
}

// linear is the exponent up to which a figure counts as growing in proportion
// to the programs: a line through two points that both drift.
const linear = 1.1

// goalOf returns the goal of a figure at a size.
func goalOf(figure string, size int) (goal, bool) {
	for _, g := range goals {
		if g.figure == figure && (g.size == size || g.size == anySize) {
			return g, true
		}
	}
	return goal{}, false
}

// bound is the goal as a figure of the same run: what must be reached, and its
// words. It is not known when what it is relative to was not measured.
func (g goal) bound(f finding, peer string) (bound float64, words string, known bool) {
	switch {
	case g.floor != "":
		for _, v := range f.Floors {
			if v.Name == g.floor {
				return v.Value, "as " + g.floor, true
			}
		}
		return 0, "as " + g.floor, false
	case g.times != 0:
		v, ok := f.Values[peer]
		return g.times * v, show(g.times, "x") + " " + peer, ok
	}
	return g.atMost, show(g.atMost, f.Unit), true
}

// verdict says whether a daemon reached the goal of a finding; "" when it has
// none.
type verdict string

// The verdicts.
const (
	none    verdict = ""
	reached verdict = "reached"
	missed  verdict = "missed"
	unknown verdict = "not measured"
)

// judge compares a finding of a daemon with its goal. It returns the goal's
// words as well.
func judge(f finding, name, peer string) (verdict, string) {
	g, ok := goalOf(f.Figure, f.Size)
	if !ok {
		return none, ""
	}
	bound, words, known := g.bound(f, peer)
	v, measured := f.Values[name]
	switch {
	case !known || !measured:
		return unknown, words
	case v == bound, (v > bound) == moreIsBetter(f.Unit):
		return reached, words
	}
	return missed, words
}
