package chaos

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// TestToldStateIsTheStateThatIs lets ten clients start, stop, restart and signal
// at random while programs die, are stopped and continued, and compares what
// is told with /proc throughout.
func TestToldStateIsTheStateThatIs(t *testing.T) {
	t.Parallel()
	const clients = 10
	programs := scale(12, 40)
	r := account(t, "storm of ten clients", fmt.Sprintf("%d programs", programs))
	d := start(t, spec{
		files: map[string]string{"mixed.sh": "case $(($$ % 5)) in\n0) exit 1;;\n1) sleep 0.1;;\n2) trap '' TERM; sleep 0.5;;\n3) exec sleep 1000;;\n4) kill -9 $$;;\nesac\n"},
		config: fmt.Sprintf("[program:p]\ncommand=sh %%(here)s/mixed.sh\nautorestart=true\nstartsecs=0\nstopwaitsecs=1\nstartretries=1000000\n"+
			"killasgroup=true\nnumprocs=%d\nprocess_name=p%%(process_num)d\n", programs),
	})
	before := d.vitals()
	var faults, steps, wrong atomic.Int64
	var group sync.WaitGroup
	base, end := random(t), time.Now().Add(span(6*time.Second, 10))
	for i := range clients {
		rnd := rand.New(rand.NewPCG(base.Uint64(), uint64(i))) // to be repeated, not to be secret
		rpc, err := client.New(client.Options{URL: "unix://" + d.path("sock")})
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			defer rpc.Close()
			for time.Now().Before(end) {
				faults.Add(int64(d.oneStep(rnd, rpc, programs)))
				steps.Add(1)
			}
		})
	}
	for time.Now().Before(end) {
		wrong.Add(int64(d.compare()))
	}
	group.Wait()
	d.stopAll()
	r.faults, r.lost = int(faults.Load()), int(wrong.Load())
	r.note = fmt.Sprintf("%d steps,", steps.Load())
	r.closeBooks(d, before)
	d.end()
}

// oneStep does one thing to one program, and returns 1 if that was a fault.
// Refusals are part of the game.
func (d *daemon) oneStep(rnd *rand.Rand, rpc *client.Client, programs int) int {
	name := fmt.Sprintf("p:p%d", rnd.IntN(programs))
	ctx := d.t.Context()
	switch rnd.IntN(8) {
	case 0, 1:
		_ = rpc.StartProcess(ctx, name)
	case 2:
		_ = rpc.StopProcess(ctx, name)
	case 3:
		_ = rpc.StopProcess(ctx, name)
		_ = rpc.StartProcess(ctx, name)
	case 4:
		_ = rpc.SignalProcess(ctx, name, "HUP")
	default:
		info, err := rpc.ProcessInfo(ctx, name)
		if err != nil || info.PID == 0 {
			return 0
		}
		sig := []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGSEGV}[rnd.IntN(4)]
		_ = syscall.Kill(info.PID, sig) // it may have ended
		return 1
	}
	return 0
}

// compare looks at what is told, at /proc, and at what is told again, and
// returns how many of those processes that did not change meanwhile are not as
// told. What is wrong for a moment only, because an end is on its way, is
// looked at again.
func (d *daemon) compare() int {
	d.t.Helper()
	wrong := 0
	for name, why := range d.differences() {
		confirmed := true
		for range 40 {
			<-time.After(25 * time.Millisecond)
			if confirmed = d.differences()[name] == why; !confirmed {
				break
			}
		}
		if confirmed {
			wrong++
			d.t.Errorf("%s: %s, for a second", name, why)
		}
	}
	return wrong
}

// differences returns in what the told states differ from /proc.
func (d *daemon) differences() map[string]string {
	d.t.Helper()
	first := d.infos()
	is := make(map[string][]int)
	for pid, p := range d.marked() {
		if p.session == pid {
			is[p.program] = append(is[p.program], pid)
		}
	}
	second := make(map[string]client.ProcessInfo)
	for _, i := range d.infos() {
		second[i.Name] = i
	}
	differences := make(map[string]string)
	for _, i := range first {
		now := second[i.Name]
		switch pids := is[i.Name]; {
		case now.PID != i.PID || now.StateName != i.StateName:
		case i.PID == 0 && i.StateName != "STARTING" && len(pids) > 0:
			differences[i.Name] = fmt.Sprintf("told %s, but %v run", i.StateName, pids)
		case i.PID != 0 && len(pids) != 1:
			differences[i.Name] = fmt.Sprintf("told %s with pid %d, but %v run", i.StateName, i.PID, pids)
		case i.PID != 0 && pids[0] != i.PID:
			differences[i.Name] = fmt.Sprintf("told %s with pid %d, but it is %d", i.StateName, i.PID, pids[0])
		}
	}
	return differences
}
