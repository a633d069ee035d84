package config

import (
	"fmt"
	"os"
	"syscall"
)

// warnExposed warns of a configuration file that somebody else can change, who
// so decides what runs: any user, or where the daemon is root, an owner or a
// group that is not.
func (r *reader) warnExposed(path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	me, mode := os.Geteuid(), info.Mode().Perm()
	who := ""
	switch {
	case !info.Mode().IsRegular(): // a pipe or a device
	case mode&0o002 != 0:
		who = "any user"
	case st.Uid != 0 && int(st.Uid) != me:
		who = fmt.Sprintf("user %d", st.Uid)
	case me == 0 && st.Gid != 0 && mode&0o020 != 0:
		who = fmt.Sprintf("group %d", st.Gid)
	}
	if who != "" {
		r.warnings = append(r.warnings, fmt.Sprintf("config file %s can be changed by %s, who so decides what runs here (mode %04o)", path, who, mode))
	}
}
