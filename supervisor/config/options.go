package config

import (
	"fmt"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// Options is what the meaning of a configuration depends on beside its files.
// Each zero field stands for the machine's own answer.
type Options struct {
	// Environ is the environment: the names ENV_x, HOME for a leading ~, and
	// TMPDIR for the default of childlogdir.
	Environ map[string]string
	// Hostname is %(host_node_name)s.
	Hostname string
	// Cwd is the folder from which relative paths count.
	Cwd string
	// TempDir is the default of childlogdir.
	TempDir string
	// Accounts looks users and groups up.
	Accounts Accounts
	// UID tells the user id of this process.
	UID func() int
}

// Accounts is a look-up of users and groups by name and number.
type Accounts interface {
	UserByName(name string) (Account, bool)
	UserByID(uid int) (Account, bool)
	GroupByName(name string) (gid int, ok bool)
	GroupByID(gid int) bool
}

// Account is what a configuration needs to know of a user.
type Account struct {
	UID, GID int // GID is the primary group's
	Home     string
}

// resolve fills the zero fields from the machine.
func (o Options) resolve() (Options, error) {
	var err error
	o.Environ, o.Accounts, o.UID = o.environ(), o.accounts(), o.uid()
	if o.Hostname == "" {
		if o.Hostname, err = os.Hostname(); err != nil {
			return o, fmt.Errorf("ask for the host's name: %w", err)
		}
	}
	if o.Cwd == "" {
		if o.Cwd, err = os.Getwd(); err != nil {
			return o, fmt.Errorf("ask for the working directory: %w", err)
		}
	}
	if o.TempDir == "" {
		o.TempDir = o.tempDir()
	}
	return o, nil
}

// environ is the environment; of two entries with one name the first counts,
// as with getenv.
func (o Options) environ() map[string]string {
	if o.Environ != nil {
		return o.Environ
	}
	vars := map[string]string{}
	for _, entry := range os.Environ() {
		name, content, ok := strings.Cut(entry, "=")
		if _, seen := vars[name]; ok && !seen {
			vars[name] = content
		}
	}
	return vars
}

func (o Options) accounts() Accounts {
	if o.Accounts != nil {
		return o.Accounts
	}
	return systemAccounts{}
}

func (o Options) uid() func() int {
	if o.UID != nil {
		return o.UID
	}
	return os.Getuid
}

// tempDir is Python's tempfile.gettempdir: the first of the customary places
// in which a file can be made.
func (o Options) tempDir() string {
	var places []string
	for _, name := range []string{"TMPDIR", "TEMP", "TMP"} {
		if dir := o.Environ[name]; dir != "" {
			places = append(places, o.abs(dir))
		}
	}
	for _, dir := range append(places, "/tmp", "/var/tmp", "/usr/tmp") {
		if file, err := os.CreateTemp(dir, ""); err == nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
			return dir
		}
	}
	return o.Cwd
}

// ParseUser reads the name or the number of an existing user.
func (o Options) ParseUser(text string) (uid int, err error) {
	if uid, ok := pyInt(text, 10); ok {
		if _, ok := o.accounts().UserByID(uid); !ok {
			return 0, refErrorf("Invalid user id %s", text)
		}
		return uid, nil
	}
	account, ok := o.accounts().UserByName(text)
	if !ok {
		return 0, refErrorf("Invalid user name %s", text)
	}
	return account.UID, nil
}

// ParseGroup reads the name or the number of an existing group.
func (o Options) ParseGroup(text string) (gid int, err error) {
	if gid, ok := pyInt(text, 10); ok {
		if !o.accounts().GroupByID(gid) {
			return 0, refErrorf("Invalid group id %s", text)
		}
		return gid, nil
	}
	gid, ok := o.accounts().GroupByName(text)
	if !ok {
		return 0, refErrorf("Invalid group name %s", text)
	}
	return gid, nil
}

// ParseUserGroup reads "user" or "user:group"; gid is -1 where no group is
// given.
func (o Options) ParseUserGroup(text string) (uid, gid int, err error) {
	userText, groupText, hasGroup := strings.Cut(text, ":")
	gid = -1
	uid, err = o.ParseUser(userText)
	if err == nil && hasGroup {
		gid, err = o.ParseGroup(groupText)
	}
	if err != nil {
		return 0, 0, refErrorf("Invalid user:group definition %s", text)
	}
	return uid, gid, nil
}

// ParseExistingDirectory expands a leading ~ and asks for a folder that
// exists.
func (o Options) ParseExistingDirectory(text string) (string, error) {
	dir := o.expandUser(text)
	if dir == "" || !isDir(join(o.Cwd, dir)) {
		return "", fmt.Errorf("%s is not an existing directory", text)
	}
	return dir, nil
}

// ParseExistingDirpath expands a leading ~ and asks that the folder part of a
// path, if there is one, exists.
func (o Options) ParseExistingDirpath(text string) (string, error) {
	path := o.expandUser(text)
	if dir := dirname(path); dir != "" && !isDir(join(o.Cwd, dir)) {
		return "", refErrorf("The directory named as part of the path %s does not exist", text)
	}
	return path, nil
}

// NormalizePath makes a path absolute and clean after expanding a leading ~,
// as the daemon does with its own log and pid files.
func (o Options) NormalizePath(path string) string {
	return o.abs(o.expandUser(path))
}

// expandUser replaces a leading ~ or ~name by the user's home, if it is known.
func (o Options) expandUser(path string) string {
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, rest := path[1:], ""
	if slash := strings.IndexByte(path, '/'); slash >= 0 {
		name, rest = path[1:slash], path[slash:]
	}
	home, ok := o.home(name)
	if !ok {
		return path
	}
	if path = strings.TrimRight(home, "/") + rest; path == "" {
		return "/"
	}
	return path
}

func (o Options) home(name string) (string, bool) {
	if name != "" {
		account, ok := o.accounts().UserByName(name)
		return account.Home, ok
	}
	if home, ok := o.environ()["HOME"]; ok {
		return home, true
	}
	account, ok := o.accounts().UserByID(o.uid()())
	return account.Home, ok
}

// abs is Python's os.path.abspath, which keeps a leading pair of slashes, the
// one thing in which filepath.Clean differs.
func (o Options) abs(path string) string {
	if !filepath.IsAbs(path) {
		cwd := o.Cwd
		if cwd == "" {
			cwd, _ = os.Getwd() // without one, Python fails; a relative path remains
		}
		path = join(cwd, path)
	}
	clean := filepath.Clean(path)
	if strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///") {
		clean = "/" + clean
	}
	return clean
}

// dirname is Python's os.path.dirname: empty for a path without a slash.
func dirname(path string) string {
	dir := path[:strings.LastIndexByte(path, '/')+1]
	if trimmed := strings.TrimRight(dir, "/"); trimmed != "" {
		return trimmed
	}
	return dir
}

// join is Python's os.path.join of two parts.
func join(dir, path string) string {
	switch {
	case strings.HasPrefix(path, "/") || dir == "":
		return path
	case strings.HasSuffix(dir, "/"):
		return dir + path
	}
	return dir + "/" + path
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// systemAccounts asks the machine, through os/user.
type systemAccounts struct{}

func (systemAccounts) UserByName(name string) (Account, bool) { return accountOf(user.Lookup(name)) }

func (systemAccounts) UserByID(uid int) (Account, bool) {
	if !isID(uid) {
		return Account{}, false
	}
	return accountOf(user.LookupId(strconv.Itoa(uid)))
}

// isID tells whether a number can be that of a user or a group. The C library,
// where it is asked, takes 4294967296 for 0.
func isID(id int) bool { return id >= 0 && int64(id) < math.MaxUint32 }

func accountOf(entry *user.User, err error) (Account, bool) {
	if err != nil {
		return Account{}, false
	}
	uid, uidErr := strconv.Atoi(entry.Uid)
	gid, gidErr := strconv.Atoi(entry.Gid)
	return Account{UID: uid, GID: gid, Home: entry.HomeDir}, uidErr == nil && gidErr == nil
}

func (systemAccounts) GroupByName(name string) (int, bool) {
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, false
	}
	gid, err := strconv.Atoi(group.Gid)
	return gid, err == nil
}

func (systemAccounts) GroupByID(gid int) bool {
	_, err := user.LookupGroupId(strconv.Itoa(gid))
	return err == nil && isID(gid)
}
