package rpc

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// thousand returns the infos of a thousand processes as a busy daemon has them.
func thousand() []supervisor.ProcessInfo {
	now := time.Now()
	infos := make([]supervisor.ProcessInfo, 1000)
	for i := range infos {
		infos[i] = supervisor.ProcessInfo{
			Name: fmt.Sprintf("worker_%03d", i), Group: "workers",
			State: process.Running, PID: 10000 + i,
			Start: now.Add(-time.Duration(i) * time.Minute), Now: now,
			Stdout: fmt.Sprintf("/var/log/supervisor/worker_%03d-stdout---supervisor-abcdefgh.log", i),
			Stderr: fmt.Sprintf("/var/log/supervisor/worker_%03d-stderr---supervisor-abcdefgh.log", i),
		}
		if i%10 == 0 {
			infos[i].State, infos[i].PID, infos[i].Stop = process.Exited, 0, now
		}
	}
	return infos
}

func encodeInfos(infos []supervisor.ProcessInfo) int {
	out := xmlrpc.NewAnswer(2 << 20)
	defer out.Release()
	var room []byte
	for i := range infos {
		room = appendInfo(out, &infos[i], room)
	}
	out.End()
	return out.InMemory()
}

// TestEncodingInfosAllocatesLittle bounds the garbage of the method that
// monitors call most.
func TestEncodingInfosAllocatesLittle(t *testing.T) {
	infos := thousand()
	encodeInfos(infos)
	const most = 50
	if got := testing.AllocsPerRun(20, func() { encodeInfos(infos) }); got > most {
		t.Errorf("encoding %d infos makes %v allocations, want at most %d", len(infos), got, most)
	}
}

// TestAnswersReuseMemory holds long answers to memory that is used again.
func TestAnswersReuseMemory(t *testing.T) {
	infos := slices.Repeat(thousand(), 5)
	size := encodeInfos(infos)
	least := uint64(math.MaxUint64)
	for range 20 { // the collector, or the race detector, may take the memory away
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		encodeInfos(infos)
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	const most = 16 << 10
	if least > most {
		t.Errorf("an answer of %d bytes allocates %d, want at most %d", size, least, most)
	}
}

func BenchmarkEncode1000ProcessInfos(b *testing.B) {
	infos := thousand()
	b.SetBytes(int64(encodeInfos(infos)))
	b.ReportAllocs()
	for b.Loop() {
		encodeInfos(infos)
	}
}
