package web

import (
	"bufio"
	"os/exec"
	"testing"
	"time"
)

func TestSampleMeasuresAProcessWithItsChildren(t *testing.T) {
	t.Parallel()
	// A shell that waits for a child, which is what works.
	busy := exec.Command("/bin/sh", "-c", "echo ready; (while :; do :; done) & wait")
	idle := exec.Command("/bin/sh", "-c", "echo ready; read line")
	for _, cmd := range []*exec.Cmd{busy, idle} {
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		ownGroup(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { killGroup(cmd) })
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	s := newSampler()
	pids := []int{busy.Process.Pid, idle.Process.Pid, 1 << 30}
	if got := s.sample(pids, time.Now()); got != nil {
		t.Errorf("the first sample = %v, want nothing to compare with yet", got)
	}
	var got map[int]usage
	for end := time.Now().Add(time.Minute); got[busy.Process.Pid].CPU < 5 && time.Now().Before(end); {
		<-time.After(300 * time.Millisecond)
		got = s.sample(pids, time.Now())
	}
	if u := got[busy.Process.Pid]; u.CPU < 5 || u.CPU > 150 || u.RSS < 100<<10 {
		t.Errorf("the busy shell takes %+v, want most of one CPU and some memory", u)
	}
	if u := got[idle.Process.Pid]; u.CPU > 5 || u.RSS < 100<<10 {
		t.Errorf("the idle shell takes %+v, want no CPU and some memory", u)
	}
	if u, ok := got[1<<30]; ok {
		t.Errorf("a process that does not exist takes %+v", u)
	}
	if got := s.sample(pids, time.Now().Add(time.Hour)); got != nil {
		t.Errorf("a sample after an hour = %v, want nothing to compare with", got)
	}
}

func TestChartsBeginAnewWithANewProcess(t *testing.T) {
	var h history
	for i := range points + 10 {
		h.add(7, usage{CPU: float64(i), RSS: int64(i)})
	}
	if len(h.CPU) != points || h.CPU[0] != 10 || h.RSS[points-1] != points+9 {
		t.Errorf("a full chart has %d points from %v on, want %d from 10 on", len(h.CPU), h.CPU[0], points)
	}
	h.add(8, usage{CPU: 1, RSS: 2})
	if len(h.CPU) != 1 || len(h.RSS) != 1 {
		t.Errorf("the chart of a new process has %d points, want 1", len(h.CPU))
	}
}
