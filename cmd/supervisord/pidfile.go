package main

import (
	"fmt"
	"os"

	"github.com/vigilance-go/vigilance/supervisor/childlog"
)

// writePIDFile writes the process id to path.
func writePIDFile(path string) error {
	if err := childlog.CheckLink(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666) //nolint:gosec // others read who runs; the umask decides, as with the reference
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	return f.Close()
}
