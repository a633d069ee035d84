package memory

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/prometheus/procfs"
)

// proc reads /proc. What is read of each process in each pass, it reads itself,
// into one buffer: package procfs reads and parses 50 fields for one of them,
// which takes 1,000 processes longer than a pass may take. For the rest it is
// used.
type proc struct {
	dir      int // /proc
	pageSize int64
	buf      [4096]byte
	name     []byte

	known map[int]int // the parents that parents has returned
	used  int         // how often known was used since all of it was read
}

// fresh is how many times the parents are read only where they are new, before
// all are read again.
const fresh = 10

// openProc opens /proc. The error wraps errNoProc where there is none.
func openProc() (*proc, error) {
	dir, err := syscall.Open("/proc", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /proc: %w (%w)", errNoProc, err)
	}
	p := &proc{dir: dir, pageSize: int64(os.Getpagesize())}
	if p.size(os.Getpid(), RSS) == Unknown {
		_ = syscall.Close(dir) // it was not even read
		return nil, fmt.Errorf("read /proc/%d/statm: %w", os.Getpid(), errNoProc)
	}
	return p, nil
}

func (p *proc) begin() error { return nil }

// read returns the first 4 KiB of a file of a process, until the next call.
func (p *proc) read(pid int, file string) ([]byte, bool) {
	p.name = append(strconv.AppendInt(p.name[:0], int64(pid), 10), file...)
	fd, err := syscall.Openat(p.dir, string(p.name), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	n, err := syscall.Read(fd, p.buf[:])
	_ = syscall.Close(fd) // it was only read
	return p.buf[:max(n, 0)], err == nil && n > 0
}

func (p *proc) size(pid int, m Measure) int64 {
	switch m {
	case RSS:
		text, ok := p.read(pid, "/statm")
		if !ok {
			return Unknown
		}
		_, rest, _ := bytes.Cut(text, []byte(" "))
		pages, _, _ := bytes.Cut(rest, []byte(" "))
		return scaled(pages, p.pageSize)
	case PSS, USS:
		process, err := procfs.NewProc(pid)
		if err != nil {
			return Unknown
		}
		rollup, err := process.ProcSMapsRollup()
		if err != nil {
			return Unknown
		}
		if m == PSS {
			return int64(rollup.Pss) //nolint:gosec // no machine has as much memory
		}
		return int64(rollup.PrivateClean + rollup.PrivateDirty) //nolint:gosec // no machine has as much memory
	case Cgroup:
		group, err := CgroupOf(pid)
		if err != nil {
			return Unknown
		}
		used, err := group.Usage()
		if err != nil {
			return Unknown
		}
		return used
	default:
		return Unknown
	}
}

// scaled reads a number and multiplies it.
func scaled(number []byte, unit int64) int64 {
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return Unknown
	}
	return n * unit
}

// parents reads the parents of processes that are new, or whose parent is gone:
// the kernel takes longer for them than for all the rest of a pass, and others do
// not get another parent.
func (p *proc) parents() (map[int]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	_ = dir.Close() // it was only read
	if err != nil {
		return nil, err
	}
	if p.used++; p.used > fresh {
		p.known, p.used = nil, 0
	}
	now := make(map[int]int, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			now[pid] = p.known[pid] // 0 where it is not known
		}
	}
	for pid, parent := range now {
		if _, there := now[parent]; there {
			continue
		}
		if parent, ok := p.parent(pid); ok {
			now[pid] = parent
		} else {
			delete(now, pid)
		}
	}
	p.known = now
	return now, nil
}

func (p *proc) parent(pid int) (parent int, ok bool) {
	text, ok := p.read(pid, "/stat")
	if !ok {
		return 0, false
	}
	return parentOf(text)
}

// parentOf returns the parent in a stat file: the second field after the name,
// which may hold anything.
func parentOf(stat []byte) (pid int, ok bool) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	pid, err := strconv.Atoi(string(fields[1]))
	return pid, err == nil
}
