package leftovers

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestReadStat(t *testing.T) {
	session, _, errno := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	got, err := readStat(os.Getpid())
	if err != nil || got.parent != os.Getppid() || got.group != syscall.Getpgrp() || got.session != int(session) ||
		got.dead() || got.threads < 1 || got.start == 0 || got.start > ticksNow() {
		t.Errorf("readStat of this process = %+v, %v, want parent %d, group %d, session %d, alive, threads and a start",
			got, err, os.Getppid(), syscall.Getpgrp(), session)
	}
	const nobody = 1 << 30
	if got, err := readStat(nobody); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("readStat(%d) = %+v, %v, want os.ErrNotExist", nobody, got, err)
	}
}

// TestReadStatAllocatesLittle bounds what is part of every birth.
func TestReadStatAllocatesLittle(t *testing.T) {
	const most = 4 // the path in its forms, and the room
	pid := os.Getpid()
	if got := testing.AllocsPerRun(20, func() {
		if _, err := readStat(pid); err != nil {
			t.Fatal(err)
		}
	}); got > most {
		t.Errorf("readStat makes %v allocations, want at most %d", got, most)
	}
}

func BenchmarkReadStat(b *testing.B) {
	pid := os.Getpid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readStat(pid); err != nil {
			b.Fatal(err)
		}
	}
}
