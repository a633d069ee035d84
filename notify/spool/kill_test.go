package spool_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// childEnv makes the test binary the process that is killed.
const childEnv = "VIGILANCE_TEST_SPOOL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir, os.Args[1])
		return
	}
	os.Exit(m.Run())
}

// child puts messages and delivers them until it is killed: it acknowledges a
// put by a line on standard output, and delivers by a line in a file.
func child(dir, name string) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{Log: log})
	if err != nil {
		panic(err)
	}
	out, err := os.OpenFile(filepath.Join(dir, "delivered"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	go func() { // until the process is killed
		for i := 0; ; i++ {
			id := fmt.Sprintf("%s-%d", name, i)
			if err := s.Put(notify.Message{ID: id}, "x", "y"); err != nil {
				panic(err)
			}
			fmt.Println(id)
		}
	}()
	deliverer := notify.Deliverer{Queue: s, Log: log, Notifier: notify.NotifierFunc(
		func(_ context.Context, m notify.Message) error {
			_, err := fmt.Fprintf(out, "%s/%s\n", m.ID, m.To)
			return err
		})}
	deliverer.Run(context.Background())
}

// Two processes of a pool put and deliver, and are killed with -9 at random
// moments. Each acknowledged message is delivered to each of its targets; at
// most one of them twice for each kill.
func TestSpoolLosesNothingWhenItsProcessesAreKilled(t *testing.T) {
	rounds := 8
	if os.Getenv("VIGILANCE_LONG") == "1" {
		rounds = 100
	}
	dir := t.TempDir()
	acknowledged := make(map[string]bool)
	for round := range rounds {
		acks := make(chan []string, 2)
		for pool := range 2 {
			cmd := exec.Command(os.Args[0], fmt.Sprintf("r%dp%d", round, pool))
			cmd.Env = append(os.Environ(), childEnv+"="+dir)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			check(t, "StdoutPipe", err)
			check(t, "Start", cmd.Start())
			kill := time.AfterFunc(time.Duration(20+rand.IntN(150))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			go func() { // ends with the child's output
				defer kill.Stop()
				var ids []string
				for lines := bufio.NewScanner(stdout); lines.Scan(); {
					ids = append(ids, lines.Text())
				}
				_ = cmd.Wait()
				if stderr.Len() > 0 {
					t.Errorf("standard error of a child = %q, want none", stderr.String())
				}
				acks <- ids
			}()
		}
		for range 2 {
			for _, id := range <-acks {
				acknowledged[id] = true
			}
		}
	}

	s := open(t, filepath.Join(dir, "spool"), spool.Options{})
	counts := deliveries(t, dir)
	for _, name := range waiting(t, s) {
		c := claim(t, s, name)
		for _, target := range c.Entry().Targets {
			if target.Outcome == notify.Pending {
				counts[name+"/"+target.To]++
				check(t, "Delivered", c.Delivered(target.To))
			}
		}
		check(t, "Release", c.Release())
	}
	lost, twice := 0, 0
	for id := range acknowledged {
		for _, to := range []string{"x", "y"} {
			switch n := counts[id+"/"+to]; {
			case n == 0:
				lost++
			case n > 1:
				twice += n - 1
			}
		}
	}
	dead, err := os.ReadDir(filepath.Join(dir, "spool", "dead"))
	check(t, "ReadDir", err)
	t.Logf("%d kills: %d messages acknowledged, %d deliveries lost, %d made twice", 2*rounds, len(acknowledged), lost, twice)
	if lost != 0 || twice > 2*rounds || len(acknowledged) == 0 || len(dead) != 0 {
		t.Errorf("acknowledged = %d, lost = %d, twice = %d, dead = %d; want some, 0, at most %d, 0",
			len(acknowledged), lost, twice, len(dead), 2*rounds)
	}
}

func deliveries(t *testing.T, dir string) map[string]int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "delivered"))
	check(t, "ReadFile", err)
	counts := make(map[string]int)
	for line := range strings.Lines(string(data)) {
		counts[strings.TrimSuffix(line, "\n")]++
	}
	return counts
}
