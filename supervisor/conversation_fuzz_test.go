package supervisor

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// FuzzListenerTokens lets a listener say anything, in any pieces: the outcome
// does not depend on the pieces, no more is remembered than a token may have,
// and each event is answered, given back, or still with the listener.
func FuzzListenerTokens(f *testing.F) {
	for _, seed := range []string{
		"READY\nRESULT 2\nOKREADY\n", "READY\nRESULT 4\nFAILREADY\nRESULT 2\nOK", "READY\nRESULT 0\nREADY\n",
		"READY\nRESULT 2\nNO", "READY\nRESULT -1\n", "READY\nRESULT 9999999\n", "READY\nRESULT x\n", "READY\nOK", "READY \n",
		"Ready\n", "READY\nREADY\n", "READY\nRESULT 2 \nOK", "READY\nRESULT  2\nOK", "READY\nRESULT 2\r\nOK", "\x00", "READY\nRESULT 1000000\nx",
	} {
		f.Add([]byte(seed), uint64(1))
	}
	log, err := mainlog.Open(mainlog.Options{Path: filepath.Join(f.TempDir(), "log"), Level: mainlog.Critical})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(log.Close)
	f.Fuzz(func(t *testing.T, said []byte, seed uint64) {
		whole := hear(t, log, said)
		var pieces [][]byte
		for r, rest := rand.New(rand.NewPCG(seed, 0)), said; len(rest) > 0; {
			n := 1 + r.IntN(min(len(rest), 9))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := hear(t, log, pieces...); got != whole {
			t.Fatalf("%q in pieces %q: got %s, want %s", said, pieces, got, whole)
		}
	})
}

// hear gives a listener that has unlimited events to process what it says, and
// returns what became of them. An event is sent after each token.
func hear(t *testing.T, log *mainlog.Logger, pieces ...[]byte) string {
	t.Helper()
	cfg := &config.Config{Groups: []*config.Group{listening("l", "", "EVENT")}}
	d, err := New(Options{Config: cfg, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	c := d.groups["l"].procs[0].reader
	sent := uint64(0)
	for _, piece := range pieces {
		c.heard = append(c.heard, piece...)
		for more := true; more; {
			more = c.advance()
			if c.state == listenerReady {
				c.state, c.current = listenerBusy, &queued{ev: &event{}}
				sent++
			}
		}
		if most := maxResult + len(piece) + len("READY\n"); len(c.heard) > most {
			t.Fatalf("%d bytes are remembered after %d, want at most %d", len(c.heard), len(piece), most)
		}
	}
	stats, held := c.proc.group.pool.stats, uint64(0)
	if c.current != nil {
		held = 1
	}
	if stats.processed+stats.rejected+held != sent {
		t.Fatalf("%q: %d events were sent, %d processed, %d given back, and %d is with the listener", pieces, sent, stats.processed, stats.rejected, held)
	}
	return fmt.Sprintf("%v, %d sent, %d processed, %d rejected, %d strikes", c.state, sent, stats.processed, stats.rejected, c.strikes)
}
