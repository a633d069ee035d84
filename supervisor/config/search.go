package config

import (
	"fmt"
	"os"
	"strings"
)

// RootSearchWarning is what the reference warns of when root starts the daemon
// without naming a file.
const RootSearchWarning = "Supervisord is running as root and it is searching " +
	"for its configuration file in default locations " +
	"(including its current working directory); you " +
	"probably want to specify a \"-c\" argument specifying an " +
	"absolute path to a configuration file for improved security."

// SearchPaths lists where a configuration file is looked for, in this order,
// when none is named. argv0 is the program's name as it was called: the first
// two places are relative to the folder above the program's own.
func SearchPaths(argv0 string) []string {
	above := dirname(dirname(argv0))
	return []string{
		join(above, "etc/supervisord.conf"),
		join(above, "supervisord.conf"),
		"supervisord.conf",
		"etc/supervisord.conf",
		"/etc/supervisord.conf",
		"/etc/supervisor/supervisord.conf",
	}
}

// Search returns the first of SearchPaths that exists. The error, of type
// *Error, lists them all.
func Search(argv0 string) (string, error) {
	paths := SearchPaths(argv0)
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", &Error{Text: fmt.Sprintf("No config file found at default paths (%s); use the -c option to specify a config file at a different path",
		strings.Join(paths, ", "))}
}
