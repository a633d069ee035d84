package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// load reads a file with the text from a folder of its own.
func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "supervisord.conf")
	writeFile(t, path, text)
	return Load(path, Options{Environ: map[string]string{}})
}

func mustLoad(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := load(t, text)
	if err != nil {
		t.Fatalf("Load(%q): %v", text, err)
	}
	return cfg
}

const minimalProgram = "[supervisord]\n[program:a]\ncommand=/bin/cat\n"

func TestLoadFillsInDefaults(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.conf")
	writeFile(t, path, minimalProgram)
	cfg, err := Load(path, Options{Environ: map[string]string{}, Cwd: "/cwd", TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	wantDaemon := Supervisord{
		LogFile: "/cwd/supervisord.log", LogFileMaxBytes: 52428800, LogFileBackups: 10, LogLevel: LevelInfo,
		PIDFile: "/cwd/supervisord.pid", Umask: 0o22, MinFDs: 1024, MinProcs: 200, ChildLogDir: dir,
		Identifier: "supervisor", Environment: map[string]string{},
		AuditLogFileMaxBytes: 52428800, AuditLogFileBackups: 10,
	}
	if !reflect.DeepEqual(cfg.Supervisord, wantDaemon) {
		t.Errorf("Supervisord:\n got %+v\nwant %+v", cfg.Supervisord, wantDaemon)
	}
	log := Log{Target: LogAuto, MaxBytes: 52428800, Backups: 10}
	want := Program{
		Name: "a", Section: "program:a", Command: "/bin/cat", Priority: 999, AutoStart: true,
		AutoRestart: RestartUnexpected, StartSecs: time.Second, StartRetries: 3, StopSignal: syscall.SIGTERM,
		StopWaitSecs: 10 * time.Second, ExitCodes: []int{0}, Stdout: log, Stderr: log, Environment: map[string]string{},
	}
	if got := *cfg.Groups[0].Programs[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("Program:\n got %+v\nwant %+v", got, want)
	}
}

func TestLoadNamesTheFileItCannotRead(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.conf")
	for path, want := range map[string]string{
		missing: "could not find config file " + missing,
		dir:     "could not read config file " + dir,
	} {
		if _, err := Load(path, Options{}); err == nil || err.Error() != want {
			t.Errorf("Load(%q): got %v, want %s", path, err, want)
		}
	}
}

func TestErrorsSayWhereTheValueStands(t *testing.T) {
	for text, want := range map[string]string{
		"[supervisord]\nminfds=x\n":                                    "[supervisord] minfds",
		minimalProgram + "startsecs=x\n":                               "[program:a] startsecs",
		"[supervisord]\n[eventlistener:l]\ncommand=x\n":                "[eventlistener:l] events",
		"[supervisord]\n[unix_http_server]\nfile=x\nchmod=9":           "[unix_http_server] chmod",
		"[supervisord]\n[unix_http_server]\nfile=x\nchmod=40000000777": "[unix_http_server] chmod",
		"[supervisord]\n[group:g]\nprograms=x\n":                       "[group:g] programs",
		"[supervisord]\n[inet_http_server]\nusername=x\n":              "[inet_http_server]",
		"[program:a]\ncommand=x\n":                                     "",
		"[supervisord]\n[program:a b]\ncommand=x\n":                    "[program:a b]",
		"[supervisord]\n[group:g]\nprograms=a\n[program:a]\n":          "[program:a] command",
		"[supervisord]\n[program:a]\ncommand=x\nnumprocs=2\n":          "[program:a] process_name",
	} {
		_, err := load(t, text)
		var located *Error
		if !errors.As(err, &located) || located.Location() != want {
			t.Errorf("Load(%q): got error %v at %+v, want one at %q", text, err, located, want)
		}
	}
}

// TestNumbersBeyondIDsAreNobody: 4294967296 is not root.
func TestNumbersBeyondIDsAreNobody(t *testing.T) {
	for _, id := range []int{-1, 1 << 32, 1<<32 + 1, math.MaxUint32} {
		if got, known := (systemAccounts{}).UserByID(id); known {
			t.Errorf("UserByID(%d) = %+v, want nobody", id, got)
		}
		if (systemAccounts{}).GroupByID(id) {
			t.Errorf("GroupByID(%d) found a group, want none", id)
		}
	}
}

func TestLoadRefusesPythonCodeAndSaysWhy(t *testing.T) {
	const reason = ": it names Python code, which this program cannot load; only "
	for _, c := range []struct{ section, key, own string }{
		{"rpcinterface:x", "supervisor.rpcinterface_factory", "supervisor.rpcinterface:make_main_rpcinterface"},
		{"eventlistener:x", "result_handler", "supervisor.dispatchers:default_handler"},
		{"ctlplugin:x", "supervisor.ctl_factory", "supervisor.supervisorctl:DefaultControllerPlugin"},
	} {
		text := fmt.Sprintf("[supervisord]\n[supervisorctl]\n[%s]\ncommand=x\nevents=EVENT\n%s=my.module:thing\n", c.section, c.key)
		path := filepath.Join(t.TempDir(), "s.conf")
		writeFile(t, path, text)
		_, err := Load(path, Options{})
		if c.section == "ctlplugin:x" {
			_, err = LoadCtl(path, Options{})
		}
		want := "my.module:thing cannot be resolved within [" + c.section + "]" + reason + c.own + " is built in"
		if err == nil || err.Error() != want {
			t.Errorf("Load(%q): got %v, want %s", text, err, want)
		}
	}
}

func TestBufferSizeIsZeroUnlessSet(t *testing.T) {
	const text = "[supervisord]\n[eventlistener:l]\ncommand=x\nevents=TICK_5,process_state,TICK_5\n"
	pool := mustLoad(t, text).Groups[0].Pool
	if want := (Pool{0, []string{"PROCESS_STATE", "TICK_5"}}); !reflect.DeepEqual(*pool, want) {
		t.Errorf("Pool of %q: got %+v, want %+v", text, *pool, want)
	}
	if pool = mustLoad(t, text+"buffer_size=10\n").Groups[0].Pool; pool.BufferSize != 10 {
		t.Errorf("BufferSize with buffer_size=10: got %d, want 10", pool.BufferSize)
	}
}

func TestNumprocsIsBounded(t *testing.T) {
	_, err := load(t, minimalProgram+"numprocs=99999999999\nprocess_name=%(process_num)d\n")
	if err == nil || !strings.HasPrefix(err.Error(), "numprocs 99999999999 is above upper bound (1048576)") {
		t.Errorf("Load with a numprocs of 99999999999: got %v, want an error that names the bound", err)
	}
}

func TestIncludesAreRelativeToTheFileAndInOrder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.conf")
	writeFile(t, path, "[supervisord]\n[program:main]\ncommand=%(here)s/x\n[include]\nfiles=b/*.ini a/*.ini none/*\n")
	writeFile(t, filepath.Join(dir, "a", "1.ini"), "[program:a]\ncommand=%(here)s/x\nstartsecs=z\n")
	writeFile(t, filepath.Join(dir, "b", "2.ini"), "[program:b]\ncommand=%(here)s/x\n[include]\nfiles=/nowhere\n")
	writeFile(t, filepath.Join(dir, "b", "1.ini"), "[program:main]\npriority=5\n")
	_, err := Load(path, Options{})
	want := "invalid literal for int() with base 10: 'z' in section 'program:a' (file: '" + dir + "/a/1.ini')"
	if err == nil || err.Error() != want {
		t.Errorf("Load of a bad included file: got %v, want %s", err, want)
	}
	writeFile(t, filepath.Join(dir, "a", "1.ini"), "[program:a]\ncommand=%(here)s/x\n")
	cfg, err := Load(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, group := range cfg.Groups {
		commands = append(commands, group.Programs[0].Command)
	}
	if want := []string{dir + "/x", dir + "/a/x", dir + "/b/x"}; !slices.Equal(commands, want) {
		t.Errorf("commands: got %q, want %q", commands, want)
	}
	if want := []string{`No file matches via include "` + dir + `/none/*"`}; !slices.Equal(cfg.Warnings, want) {
		t.Errorf("Warnings: got %q, want %q", cfg.Warnings, want)
	}
	var infos []string
	for _, name := range []string{"b/1.ini", "b/2.ini", "a/1.ini"} {
		infos = append(infos, `Included extra file "`+filepath.Join(dir, name)+`" during parsing`)
	}
	if !slices.Equal(cfg.Infos, infos) {
		t.Errorf("Infos: got %q, want %q", cfg.Infos, infos)
	}
}

func TestServerURLPrefersUnix(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"[inet_http_server]\nport=*:9001\n": "http://localhost:9001",
		"[inet_http_server]\nport=H:1\n[unix_http_server]\nfile=/tmp/../s\n": "unix:///s",
	} {
		if got := mustLoad(t, minimalProgram+text).ServerURL(); got != want {
			t.Errorf("ServerURL of %q: got %q, want %q", text, got, want)
		}
	}
}

func TestSearchFollowsTheReferencesOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Search("prefix/bin/supervisord")
	const want = "No config file found at default paths (prefix/etc/supervisord.conf, prefix/supervisord.conf, supervisord.conf, etc/supervisord.conf, /etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the -c option to specify a config file at a different path"
	if _, statErr := os.Stat("/etc/supervisor/supervisord.conf"); statErr != nil && (err == nil || err.Error() != want) {
		t.Errorf("Search: got %v, want %s", err, want)
	}
	if got := SearchPaths("supervisord")[0]; got != "etc/supervisord.conf" {
		t.Errorf("SearchPaths(supervisord)[0]: got %q, want etc/supervisord.conf", got)
	}
	for _, path := range []string{"etc/supervisord.conf", "supervisord.conf", "prefix/etc/supervisord.conf"} {
		writeFile(t, path, "")
		if got, err := Search("prefix/bin/supervisord"); got != path || err != nil {
			t.Errorf("Search with %s: got %q, %v", path, got, err)
		}
	}
}

func TestDecodeErrorsHavePythonsWords(t *testing.T) {
	for data, want := range map[string]string{
		"a\xff":         "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte",
		"ab\xe6\x97 ":   "'utf-8' codec can't decode bytes in position 2-3: invalid continuation byte",
		"\xed\xa0\x80":  "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte",
		"ab\xf0\x9f":    "'utf-8' codec can't decode bytes in position 0-1: unexpected end of data",
		"ab\xf0\x9f\n":  "'utf-8' codec can't decode bytes in position 2-3: invalid continuation byte",
		"ab\xf4\x90 cd": "'utf-8' codec can't decode byte 0xf4 in position 2: invalid continuation byte",
	} {
		if _, err := decodeText([]byte(data)); err == nil || err.Error() != want {
			t.Errorf("decodeText(%q): got %v, want %s", data, err, want)
		}
	}
}

// accounts is a look-up with one user and one group.
type accounts struct{}

func (accounts) UserByName(name string) (Account, bool) {
	return Account{7, 8, "/home/u/"}, name == "u"
}
func (accounts) UserByID(uid int) (Account, bool)    { return Account{7, 8, "/home/u/"}, uid == 7 }
func (accounts) GroupByName(name string) (int, bool) { return 9, name == "g" }
func (accounts) GroupByID(gid int) bool              { return gid == 9 }

func TestAccountsAndHomesComeFromTheOptions(t *testing.T) {
	opts := Options{Environ: map[string]string{}, Accounts: accounts{}, UID: func() int { return 7 }}
	if uid, gid, err := opts.ParseUserGroup("u:g"); uid != 7 || gid != 9 || err != nil {
		t.Errorf("ParseUserGroup(u:g): got %d, %d, %v, want 7, 9", uid, gid, err)
	}
	for path, want := range map[string]string{"~": "/home/u", "~/x": "/home/u/x", "~u/x": "/home/u/x", "~v/x": "/~v/x"} {
		if got := (Options{Environ: opts.Environ, Accounts: accounts{}, UID: opts.UID, Cwd: "/"}).NormalizePath(path); got != want {
			t.Errorf("NormalizePath(%q): got %q, want %q", path, got, want)
		}
	}
	path := filepath.Join(t.TempDir(), "s.conf")
	writeFile(t, path, "[supervisord]\n[fcgi-program:f]\ncommand=x\nuser=u\nsocket=unix:///s\n")
	for current, want := range map[int][2]int{7: {-1, -1}, 0: {7, 8}} {
		opts.UID = func() int { return current }
		cfg, err := Load(path, opts)
		if err != nil {
			t.Fatal(err)
		}
		if s := cfg.Groups[0].Socket; [2]int{s.UID, s.GID} != want {
			t.Errorf("owner of a user's socket as uid %d: got %d:%d, want %v", current, s.UID, s.GID, want)
		}
	}
}
