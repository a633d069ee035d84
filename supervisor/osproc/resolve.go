package osproc

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ResolveError says why a command cannot be run, in Supervisor's words.
type ResolveError struct {
	// NotFound tells a missing file, which clients get as fault NO_FILE, from
	// one that cannot be executed, NOT_EXECUTABLE.
	NotFound bool
	Text     string
}

func (e *ResolveError) Error() string { return e.Text }

// Resolve finds the file that argv[0] means: itself when it has a slash, else
// the first entry of that name in the folders of path, whatever it is. It
// checks that the daemon could execute it. Every error is a *ResolveError
// (process.py, get_execv_args; options.py, check_execv_args).
func Resolve(argv []string, path []string) (file string, err error) {
	if len(argv) == 0 {
		return "", &ResolveError{Text: "command is empty"}
	}
	file = argv[0]
	if !strings.Contains(file, "/") {
		file = lookPath(file, path)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", &ResolveError{NotFound: true, Text: "can't find command " + repr(file)}
	case info.IsDir():
		return "", &ResolveError{Text: "command at " + repr(file) + " is a directory"}
	case info.Mode().Perm()&0o111 == 0:
		return "", &ResolveError{Text: "command at " + repr(file) + " is not executable"}
	case errors.Is(unix.Access(file, unix.X_OK), unix.EACCES):
		return "", &ResolveError{Text: "no permission to run command " + repr(file)}
	}
	return file, nil
}

// lookPath returns name itself when no folder has it. An empty folder is the
// working directory.
func lookPath(name string, path []string) string {
	for _, dir := range path {
		found := name
		if dir != "" {
			found = strings.TrimSuffix(dir, "/") + "/" + name
		}
		if _, err := os.Stat(found); err == nil {
			return found
		}
	}
	return name
}
