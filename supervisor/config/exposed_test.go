package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestConfigThatOthersCanWriteIsWarnedAbout tries modes and owners of the main
// file and of an included one.
func TestConfigThatOthersCanWriteIsWarnedAbout(t *testing.T) {
	const stranger = 65534
	for _, tt := range []struct {
		mode     os.FileMode
		uid, gid int // of the file; -1 for ours
		want     string
	}{
		{0o644, -1, -1, ""},
		{0o600, -1, -1, ""},
		{0o666, -1, -1, "can be changed by any user, who so decides what runs here (mode 0666)"},
		{0o602, -1, -1, "can be changed by any user"},
		{0o644, stranger, 0, "can be changed by user 65534"},
		{0o664, 0, stranger, "can be changed by group 65534"},
		{0o660, 0, 0, ""},
		{0o644, 0, stranger, ""},
	} {
		if tt.uid >= 0 && os.Geteuid() != 0 {
			t.Log("needs root, to give a file to others; passed over")
			continue
		}
		dir := t.TempDir()
		main, included := filepath.Join(dir, "s.conf"), filepath.Join(dir, "x.ini")
		for path, text := range map[string]string{main: "[supervisord]\n[include]\nfiles=x.ini\n", included: "[program:a]\ncommand=/bin/cat\n"} {
			writeFile(t, path, text)
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			if tt.uid >= 0 {
				if err := os.Chown(path, tt.uid, tt.gid); err != nil {
					t.Fatal(err)
				}
			}
		}
		cfg, err := Load(main, Options{TempDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{main, included} {
			warned := slices.ContainsFunc(cfg.Warnings, func(w string) bool {
				return strings.Contains(w, path+" can be changed by") && strings.Contains(w, tt.want)
			})
			if warned != (tt.want != "") {
				t.Errorf("%s of mode %04o, owner %d:%d: warnings %q, want %q", filepath.Base(path), tt.mode, tt.uid, tt.gid, cfg.Warnings, tt.want)
			}
		}
	}
}

// TestNamesLeadNowhereElse: no name of a program or group is a path, as files
// and addresses are made of them. (What variables put into one, package childlog
// keeps in its folder.)
func TestNamesLeadNowhereElse(t *testing.T) {
	for _, text := range []string{
		"[program:../../etc/passwd]\ncommand=x\n",
		"[program:a]\ncommand=x\nprocess_name=../%(program_name)s\n",
		"[program:a]\ncommand=x\n[group:x/../y]\nprograms=a\n",
		"[eventlistener:/a]\ncommand=x\nevents=EVENT\n",
		"[fcgi-program:a/b]\ncommand=x\nsocket=unix:///x\n",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "s.conf")
		writeFile(t, path, "[supervisord]\n"+text)
		_, err := Load(path, Options{TempDir: dir, Environ: map[string]string{}})
		if err == nil || !strings.Contains(err.Error(), "because of character: '/'") {
			t.Errorf("Load(%q): got error %v, want that the name is refused", text, err)
		}
	}
}
