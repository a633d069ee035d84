package rpc

import (
	"os"

	"github.com/prometheus/procfs"
)

// usage returns what a child of this process has used; false when it is gone.
func usage(pid int) (resources, bool) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return resources{}, false
	}
	stat, err := p.Stat()
	if err != nil || stat.PPID != os.Getpid() { // the number belongs to another by now
		return resources{}, false
	}
	memory, err := p.Statm()
	if err != nil {
		return resources{}, false
	}
	return resources{cpuSeconds: stat.CPUTime(), residentBytes: memory.ResidentBytes()}, true
}
