//go:build !linux

package main

import "testing"

// smallDisk returns any folder: a full disk is tried on Linux.
func smallDisk(t *testing.T) (dir string, small bool) { return t.TempDir(), false }
