package footprint

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dropExecutable unmaps the pages of the executable that a start has touched:
// the kernel maps 16 for each that is used, which makes a few milliseconds of
// initialization most of the binary. They are clean and stay in the page cache.
// An error leaves them mapped.
func dropExecutable() {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = smaps.Close() }() // only read
	for _, m := range cleanMappings(smaps, path) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// cleanMappings returns the mappings of the file at path that can only be read
// and of which no page differs from the file. (A position-independent
// executable has pages that the dynamic linker writes before it write-protects
// them; those would be lost.)
func cleanMappings(smaps io.Reader, path string) []mapping {
	var found []mapping
	var current mapping
	ours := false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		line := lines.Text()
		var next mapping
		var mode, offset string
		if n, _ := fmt.Sscanf(line, "%x-%x %s %s", &next.start, &next.end, &mode, &offset); n == 4 {
			current, ours = next, !strings.Contains(mode, "w") && strings.HasSuffix(line, " "+path)
			continue
		}
		if name, size, _ := strings.Cut(line, ":"); ours && name == "Anonymous" {
			if strings.TrimSpace(size) == "0 kB" {
				found = append(found, current)
			}
			ours = false
		}
	}
	return found
}
