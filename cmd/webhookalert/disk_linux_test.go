package main

import (
	"syscall"
	"testing"
)

// smallDisk returns a folder on a disk that can be filled, if that is to be
// had, and else any.
func smallDisk(t *testing.T) (dir string, small bool) {
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Logf("without a full disk, because mounting a small one needs root: %v", err)
		return dir, false
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir, true
}
