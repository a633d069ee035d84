package osproc

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// explainExec says what err means for the file of spec, where err alone
// misleads or names no culprit; empty where it says it all.
func explainExec(spec Spec, err error) string {
	file := absolute(spec.Dir, spec.Path)
	switch {
	case errors.Is(err, syscall.ENOENT):
		if i := interpreter(file); i != "" {
			if _, err := os.Stat(absolute(spec.Dir, i)); err != nil {
				return fmt.Sprintf("its interpreter %q does not exist", i)
			}
		}
	case errors.Is(err, syscall.EACCES):
		return explainDenied(spec, file)
	case errors.Is(err, syscall.ENOEXEC):
		return "neither a program for this machine nor a script that begins with #!"
	case errors.Is(err, syscall.ETXTBSY):
		return "somebody is writing to it"
	case errors.Is(err, syscall.E2BIG):
		size := 0
		for _, s := range slices.Concat(spec.Args, spec.Env) {
			size += len(s) + 1
		}
		return fmt.Sprintf("arguments and environment take %d bytes", size)
	}
	return ""
}

func explainDenied(spec Spec, file string) string {
	w := who(spec.Credential)
	if hint := w.barredFrom(file); hint != "" {
		return hint
	}
	if i := interpreter(file); i != "" {
		if hint := w.barredFrom(absolute(spec.Dir, i)); hint != "" {
			return "its interpreter: " + hint
		}
	}
	if noExec(file) {
		return "its file system is mounted noexec"
	}
	return ""
}

// absolute resolves a path as a child does whose directory is dir.
func absolute(dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// identity is a user as the file system sees him.
type identity struct {
	uid  int
	gids []int
}

func who(cred *Credential) identity {
	if cred != nil {
		return identity{cred.UID, append([]int{cred.GID}, cred.Groups...)}
	}
	groups, err := os.Getgroups()
	if err != nil {
		groups = nil
	}
	return identity{os.Geteuid(), append([]int{os.Getegid()}, groups...)}
}

// barredFrom names the first thing on the way to path, path included, that
// the user may not enter or execute, going by the mode bits; empty if there is
// none.
func (w identity) barredFrom(path string) string {
	steps := []string{path}
	for dir := filepath.Dir(path); dir != steps[len(steps)-1]; dir = filepath.Dir(dir) {
		steps = append(steps, dir)
	}
	for _, step := range slices.Backward(steps) {
		info, err := os.Stat(step)
		switch {
		case err != nil:
			return ""
		case w.mayExecute(info):
		case info.IsDir():
			return fmt.Sprintf("uid %d may not enter %q", w.uid, step)
		default:
			return fmt.Sprintf("uid %d may not execute %q", w.uid, step)
		}
	}
	return ""
}

func (w identity) mayExecute(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	bit := os.FileMode(0o001)
	switch {
	case w.uid == 0 && info.IsDir():
		return true
	case w.uid == 0:
		bit = 0o111
	case int(st.Uid) == w.uid:
		bit = 0o100
	case slices.Contains(w.gids, int(st.Gid)):
		bit = 0o010
	}
	return info.Mode().Perm()&bit != 0
}

// interpreter returns the file that runs a script or loads a dynamically
// linked program, as the script or program names it; empty if there is none.
func interpreter(file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 256) // Linux looks no further either
	n, _ := f.ReadAt(head, 0) // a short file is an error, and all right
	if line, ok := strings.CutPrefix(string(head[:n]), "#!"); ok {
		line, _, _ = strings.Cut(line, "\n")
		name, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
		name, _, _ = strings.Cut(name, "\t")
		return name
	}
	program, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			name, _ := io.ReadAll(p.Open())
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}
