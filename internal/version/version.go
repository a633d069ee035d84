// Package version knows from which vigilance a binary was built. It is not the
// version that supervisord tells its clients: that is Supervisor's.
package version

import "runtime/debug"

// stamped is set by the linker, with
// -X github.com/vigilance-go/vigilance/internal/version.stamped=VERSION, and
// empty where nobody has done so.
var stamped string

// Own returns the version of this binary: what its maker has stamped it with,
// else what the Go command knows of it, else "unknown".
func Own() string {
	if stamped != "" {
		return stamped
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
