//go:build !linux

package sdnotify

// monotonic returns 0: there is no systemd to compare it.
func monotonic() int64 { return 0 }
