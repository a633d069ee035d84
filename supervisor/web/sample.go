package web

// usage is what a process and its descendants take up.
type usage struct {
	CPU float64 // percent of one CPU since the sample before
	RSS int64   // resident bytes; pages that they share count for each
}

// points is how many samples a chart shows.
const points = 60

// history holds the newest samples of one process, the oldest first.
type history struct {
	pid int
	CPU []float64 `json:"cpu"`
	RSS []int64   `json:"rss"`
}

// add appends a sample; a chart begins anew with a new pid.
func (h *history) add(pid int, u usage) {
	if h.pid != pid {
		*h = history{pid: pid}
	}
	if len(h.CPU) == points {
		h.CPU, h.RSS = h.CPU[1:], h.RSS[1:]
	}
	h.CPU, h.RSS = append(h.CPU, u.CPU), append(h.RSS, u.RSS)
}
