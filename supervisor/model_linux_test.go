package supervisor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// modelSeed repeats a run of the model test.
var modelSeed = flag.Uint64("model-seed", 0, "seed of the model test; 0 for a new one")

// modelSteps is how many commands and faults the model test makes in all.
func modelSteps() int {
	if os.Getenv("VIGILANCE_LONG") != "" {
		return 20_000
	}
	return 1_500
}

// modelPrograms are programs of every temper.
func modelPrograms() []*config.Group {
	always := func(p *config.Program) { p.AutoRestart = config.RestartAlways }
	return []*config.Group{
		alone(program("sleeper", "sleep 1000", quick)),
		alone(program("slowstart", "sleep 1000")),
		alone(program("crasher", `sh -c "sleep 0.0$RANDOM; exit 3"`, quick, always)),
		alone(program("instant", "/bin/true", func(p *config.Program) { p.StartRetries = 1000 })),
		alone(program("deaf", `sh -c "trap '' TERM; while :; do sleep 0.1; done"`, quick, func(p *config.Program) {
			p.StopWaitSecs = 100 * time.Millisecond
			p.StopAsGroup, p.KillAsGroup = true, true
		})),
		alone(program("polite", `sh -c "trap 'sleep 0.05; exit 0' TERM; while :; do sleep 0.02; done"`, quick)),
		alone(program("ghost", "/no/such/file", func(p *config.Program) { p.StartRetries = 2 })),
		{Name: "pair", Kind: config.GroupPrograms, Priority: 999, Programs: []*config.Program{
			program("one", "sleep 1000", quick, always), program("two", "sleep 1000", always),
		}},
	}
}

// TestToldStateIsTrueState gives random commands from several clients at once,
// kills children behind the daemon's back, and compares what the daemon tells
// with what the kernel knows.
func TestToldStateIsTrueState(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run %s -model-seed %d", t.Name(), seed)
	r := startLogging(t, mainlog.Info, modelPrograms()...)
	const clients = 6
	var names []string
	for _, g := range r.opts.Config.Groups {
		for _, p := range g.Programs {
			names = append(names, Namespec(g.Name, p.Name))
		}
	}
	for round := range modelSteps() / 150 {
		var wg sync.WaitGroup
		for c := range clients {
			rnd := rand.New(rand.NewPCG(seed, uint64(round*clients+c)))
			wg.Go(func() {
				for range 150 / clients {
					r.disturb(rnd, names)
				}
			})
		}
		wg.Wait()
		r.untilTold(fmt.Sprintf("round %d: the kernel agrees", round))
	}
}

// disturb does one random thing to a random process.
func (r *rig) disturb(rnd *rand.Rand, names []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	name := names[rnd.IntN(len(names))]
	var err error
	switch rnd.IntN(8) {
	case 0, 1:
		err = r.StartProcess(ctx, name, false)
	case 2, 3:
		err = r.StopProcess(ctx, name, rnd.IntN(2) == 0)
	case 4:
		err = r.SignalProcess(ctx, name, "CONT")
	case 5:
		var i ProcessInfo
		if i, err = r.ProcessInfo(ctx, name); err == nil && i.PID > 1 {
			_ = syscall.Kill(i.PID, syscall.SIGKILL) // it may just have ended
		}
	case 6:
		_, err = r.StopGroup(ctx, "pair", true)
	case 7:
		_, err = r.StartGroup(ctx, "pair", false)
	}
	var fault *Fault
	if err != nil && !errors.As(err, &fault) {
		r.t.Errorf("%s: %v, which is no Fault", name, err)
	}
}

// untilTold waits until the children that the daemon tells of are those that
// it has. Between a birth or a death and its news they may differ.
func (r *rig) untilTold(what string) {
	r.t.Helper()
	var told, have []int
	for end := time.Now().Add(time.Minute); ; {
		before, _ := r.AllProcessInfo(r.t.Context())
		have = ownChildren(r.t)
		after, _ := r.AllProcessInfo(r.t.Context())
		told = told[:0]
		settled := true
		for i, p := range after {
			settled = settled && before[i].PID == p.PID && (p.State != process.Starting || p.PID != 0)
			if p.PID != 0 {
				told = append(told, p.PID)
			}
			if p.State.InStoppedStates() && p.PID != 0 {
				r.t.Fatalf("%s is %s and has pid %d", p.Namespec(), p.State, p.PID)
			}
		}
		slices.Sort(told)
		if settled && slices.Equal(told, have) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s: it told %v, and has %v\n%s", what, told, have, r.readLog())
		}
		<-time.After(time.Millisecond)
	}
}

// ownChildren lists the living children of this process, as the kernel knows
// them.
func ownChildren(t *testing.T) []int {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, list := range lists {
		b, _ := os.ReadFile(list) // the thread may have ended
		for field := range strings.FieldsSeq(string(b)) {
			pid, err := strconv.Atoi(field)
			if err == nil && !isZombie(pid) {
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return pids
}

// isZombie tells whether a child has ended and waits to be reaped.
func isZombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z")
}
