package childlog

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// AutoName creates an empty file, mode 0600, in dir for the log of a process
// whose logfile is AUTO, and returns its path:
// dir/PROCESS-CHANNEL---IDENTIFIER-RANDOM.log. CleanAuto finds it by that name.
func AutoName(dir, process, channel, identifier string) (string, error) {
	const letters, length, attempts = "abcdefghijklmnopqrstuvwxyz0123456789_", 8, 10000
	prefix := fmt.Sprintf("%s-%s---%s-", inFolder(process), channel, inFolder(identifier))
	for range attempts {
		random := make([]byte, length)
		for i := range random {
			random[i] = letters[rand.IntN(len(letters))] //nolint:gosec // O_EXCL, not chance, keeps others out
		}
		path := filepath.Join(dir, prefix+string(random)+".log")
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("create automatic log: %w", err)
		}
		return path, file.Close()
	}
	return "", fmt.Errorf("create automatic log in %q: every name with prefix %q is taken", dir, prefix)
}

// inFolder returns a name as part of a file's, which leads out of no folder: the
// variables in process_name and identifier may hold anything.
func inFolder(name string) string { return strings.ReplaceAll(name, "/", "_") }

// CleanAuto deletes the files in dir that AutoName made for identifier, and
// their rotated backups. It returns the paths of those that it could not
// delete, or the error that kept it from listing dir.
func CleanAuto(dir, identifier string) (failed []string, err error) {
	ours, err := regexp.Compile(`^.+?---` + regexp.QuoteMeta(inFolder(identifier)) + `-\S+\.log`)
	if err != nil {
		return nil, fmt.Errorf("find automatic logs of %q: %w", identifier, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list automatic logs: %w", err)
	}
	for _, entry := range entries {
		if !ours.MatchString(entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if err := unix.Unlink(path); err != nil {
			failed = append(failed, path)
		}
	}
	return failed, nil
}
