package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Lang is a language of messages, by its ISO 639 name.
type Lang string

// The languages.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// ParseLang reads a language. The error quotes the name.
func ParseLang(name string) (Lang, error) {
	switch lang := Lang(strings.ToLower(name)); lang {
	case English, Chinese:
		return lang, nil
	default:
		return "", fmt.Errorf("read language %q, want en or zh", name)
	}
}

// words is how messages are put in one language.
type words struct {
	events    map[string]string // what happened, by event
	expected  string            // an exit that was
	something string            // any other event
	recovered string            // one process
	on        string            // a host
	colon     string
	list      string                            // joins the items of a list
	times     func(n int) string                // an event, n times
	programs  func(events, programs int) string // a subject
	span      func(n int, from, to string) string
	reason    func(last bool, reason string) string
	up        func(uptime string) string
	well      func(since string) string
	more      func(n int) string
	output    string // what stands before the log
}

func wordsOf(lang Lang) words {
	if lang == Chinese {
		return chinese()
	}
	return english()
}

func english() words {
	return words{
		events: map[string]string{
			"PROCESS_STATE_STARTING": "is starting",
			"PROCESS_STATE_RUNNING":  "is running",
			"PROCESS_STATE_BACKOFF":  "failed to start",
			"PROCESS_STATE_STOPPING": "is stopping",
			"PROCESS_STATE_EXITED":   "exited unexpectedly",
			"PROCESS_STATE_STOPPED":  "was stopped",
			"PROCESS_STATE_FATAL":    "could not be started (FATAL)",
			"PROCESS_STATE_UNKNOWN":  "is in an unknown state",
			"PROCESS_CRASH_LOOP":     "crashes again and again",
			"URL_CHECK_FAILED":       "fails its check",
			"MEMORY_LIMIT":           "uses too much memory",
			"MEMORY_NEAR_LIMIT":      "is near its memory limit",
			"MEMORY_GROWTH":          "is growing",
			"OUT_OF_MEMORY":          "ran out of memory",
		},
		expected:  "exited",
		something: "reported",
		recovered: "has recovered",
		on:        " on ",
		colon:     ": ",
		list:      ", ",
		times:     func(n int) string { return fmt.Sprintf(", %d times", n) },
		programs: func(events, programs int) string {
			return fmt.Sprintf("%d events of %d programs", events, programs)
		},
		span: func(n int, from, to string) string { return fmt.Sprintf("%d times from %s to %s", n, from, to) },
		reason: func(last bool, reason string) string {
			if last {
				return "the last time: " + reason
			}
			return reason
		},
		up:     func(uptime string) string { return "after " + uptime },
		well:   func(since string) string { return "running again since " + since },
		more:   func(n int) string { return fmt.Sprintf("and %d more", n) },
		output: "The end of its output:",
	}
}

func chinese() words {
	return words{
		events: map[string]string{
			"PROCESS_STATE_STARTING": "正在启动",
			"PROCESS_STATE_RUNNING":  "正在运行",
			"PROCESS_STATE_BACKOFF":  "启动失败",
			"PROCESS_STATE_STOPPING": "正在停止",
			"PROCESS_STATE_EXITED":   "意外退出",
			"PROCESS_STATE_STOPPED":  "已停止",
			"PROCESS_STATE_FATAL":    "无法启动 (FATAL)",
			"PROCESS_STATE_UNKNOWN":  "状态未知",
			"PROCESS_CRASH_LOOP":     "反复崩溃",
			"URL_CHECK_FAILED":       "检查失败",
			"MEMORY_LIMIT":           "内存占用过多",
			"MEMORY_NEAR_LIMIT":      "接近内存上限",
			"MEMORY_GROWTH":          "内存持续增长",
			"OUT_OF_MEMORY":          "内存不足",
		},
		expected:  "已退出",
		something: "有事件",
		recovered: "已恢复",
		on:        "，主机 ",
		colon:     "：",
		list:      "，",
		times:     func(n int) string { return fmt.Sprintf(" %d 次", n) },
		programs: func(events, programs int) string {
			return fmt.Sprintf("%d 个程序共 %d 次事件", programs, events)
		},
		span: func(n int, from, to string) string { return fmt.Sprintf("%s 至 %s 共 %d 次", from, to, n) },
		reason: func(last bool, reason string) string {
			if last {
				return "最近一次：" + reason
			}
			return reason
		},
		up:     func(uptime string) string { return "已运行 " + uptime },
		well:   func(since string) string { return since + " 起恢复运行" },
		more:   func(n int) string { return fmt.Sprintf("另有 %d 次", n) },
		output: "最后的输出：",
	}
}

func (w words) what(event string, expected bool) string {
	if event == "PROCESS_STATE_EXITED" && expected {
		return w.expected
	}
	if text, ok := w.events[event]; ok {
		return text
	}
	return w.something
}

// subject says it in a line.
func (w words) subject(d Digest) string {
	host := ""
	if d.Host != "" {
		host = w.on + d.Host
	}
	if len(d.Programs) > 1 {
		names := make([]string, 0, namesInSubject)
		for _, p := range d.Programs[:min(len(d.Programs), namesInSubject)] {
			names = append(names, p.Name)
		}
		if len(d.Programs) > namesInSubject {
			names = append(names, "…")
		}
		return w.programs(len(d.Events), len(d.Programs)) + host + w.colon + strings.Join(names, w.list)
	}
	p := d.Programs[0]
	if !p.Recovered.IsZero() {
		return p.Name + " " + w.recovered + host
	}
	text := p.Name + " " + w.what(p.Event, p.Expected)
	if p.Count > 1 {
		text += w.times(p.Count)
	}
	text += host
	if p.Reason != "" {
		text += w.colon + p.Reason
	}
	return text
}

// namesInSubject is how many processes a subject names.
const namesInSubject = 3

// body tells all, in at most limit bytes or a little more. Each program has a
// line or two, before there is room for each event's time and pid.
func (w words) body(d Digest, limit int) string {
	var b strings.Builder
	// What each program is sure to get, so that none is crowded out by the first.
	share := limit / len(d.Programs)
	left := 0
	for i, p := range d.Programs {
		if b.Len() >= limit {
			for _, q := range d.Programs[i:] {
				left += len(q.Events)
			}
			break
		}
		if i > 0 {
			b.WriteString("\n\n")
		}
		w.program(&b, d, p, share)
	}
	if left > 0 {
		b.WriteString("\n\n" + w.more(left))
	}
	return b.String()
}

func (w words) program(b *strings.Builder, d Digest, p Program, share int) {
	start := b.Len()
	b.WriteString(p.Name)
	if p.Count > 0 {
		b.WriteString(" " + w.what(p.Event, p.Expected))
	}
	layout := clockLayout(d)
	switch {
	case p.Count == 1:
		b.WriteString(w.list + p.Last.Format(layout))
		if p.PID > 0 {
			fmt.Fprintf(b, " (pid %d)", p.PID)
		}
		if p.Uptime > 0 {
			b.WriteString(w.list + w.up(shortDuration(p.Uptime)))
		}
	case p.Count > 1:
		b.WriteString(w.list + w.span(p.Count, p.First.Format(layout), p.Last.Format(layout)))
	}
	if p.Reason != "" {
		b.WriteString(w.colon + w.reason(p.Count > 1, p.Reason))
	}
	if !p.Recovered.IsZero() {
		b.WriteString(w.colon + w.well(p.Recovered.Format(layout)))
	}
	if p.Count < 2 {
		return
	}
	sep, told := "\n", 0
	for _, e := range p.Events {
		if e.Recovery {
			continue
		}
		if b.Len()-start > share {
			b.WriteString(w.list + w.more(p.Count-told))
			return
		}
		told++
		b.WriteString(sep + e.Time.Format(layout))
		if e.PID > 0 {
			fmt.Fprintf(b, " (pid %d)", e.PID)
		}
		sep = w.list
	}
}

// rest is what a body does not say: labels and log.
func (w words) rest(m Message) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(m.Labels)) {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("\n" + name + w.colon + m.Labels[name])
	}
	if log := strings.TrimRight(m.Log, "\n"); log != "" {
		b.WriteString("\n\n" + w.output + "\n\n" + log)
	}
	return b.String()
}

// clockLayout shows the date only where the events are of several days, or of
// another day than usual readers expect.
func clockLayout(d Digest) string {
	first, last := d.Events[0].Time, d.Events[len(d.Events)-1].Time
	if len(d.Events) > 1 && first.YearDay() == last.YearDay() && first.Year() == last.Year() {
		return time.TimeOnly
	}
	return time.DateTime
}

// shortDuration shows a duration in seconds, or better where it is shorter.
func shortDuration(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
