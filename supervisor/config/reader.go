package config

import (
	"fmt"
	"os"
	"strings"
)

// reader is one reading of a configuration: the document with its includes,
// and all that its values may refer to.
type reader struct {
	opts Options
	// path is the main file as the caller named it: errors show it so.
	path string
	here string
	doc  *document
	// origin tells which included file a section first appeared in; sections
	// of the main file have none.
	origin map[string]string
	// env holds ENV_x for the process' environment and, once [supervisord] is
	// read, for that section's own.
	env *names
	// common holds here, which most values may use.
	common *names

	warnings, infos []string

	// base is [supervisord]'s environment, once it is read.
	base map[string]string
	// program is the reading of the newest program section, whose memory serves
	// the next.
	program programReader
	// environment is the newest that was read: sections often have the same.
	environment environment
	// dirs remembers which folders of logs exist.
	dirs map[string]bool

	// known are the [user:x] sections, once they are read.
	known []User

	// asked notes, where it is not nil, which options are looked for in each
	// kind of section.
	asked map[string]map[string]bool
}

func newReader(path string, opts Options) (*reader, error) {
	opts, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	opts.Accounts = newCachedAccounts(opts.Accounts)
	r := &reader{
		opts: opts, path: path, here: opts.abs(dirname(path)),
		doc: newDocument(), origin: map[string]string{},
		env: newNames(), common: newNames(), dirs: map[string]bool{},
	}
	for _, name := range sortedKeys(opts.Environ) {
		r.env.set("ENV_"+name, textValue(opts.Environ[name]))
	}
	r.common.set("here", textValue(r.here))
	return r, nil
}

// readMain reads the main file into the document.
func (r *reader) readMain() error {
	path := join(r.opts.Cwd, r.path)
	if _, err := os.Stat(path); err != nil || r.path == "" {
		return &Error{Text: "could not find config file " + r.path}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return &Error{Text: "could not read config file " + r.path}
	}
	r.warnExposed(path)
	return r.parse(data, r.path)
}

func (r *reader) parse(data []byte, path string) error {
	text, err := decodeText(data)
	if err == nil {
		err = r.doc.parse(text, path)
	}
	if err != nil {
		return &Error{Text: err.Error()}
	}
	return nil
}

// readIncludes reads the files that [include] names into the document. There
// is one level of them: an included file's own [include] means nothing.
func (r *reader) readIncludes() error {
	include, ok := r.doc.byName["include"]
	if !ok {
		return nil
	}
	r.doc.replaceHere(r.here)
	r.ask(include, "files")
	files, ok := r.doc.get(include, "files")
	if !ok {
		return &Error{Text: ".ini file has [include] section, but no files setting", Section: "include", Key: "files"}
	}
	local := newNames()
	local.set("here", textValue(r.here))
	local.set("host_node_name", textValue(r.opts.Hostname))
	files, err := expand(files, "include.files", scope{local, r.env})
	if err != nil {
		return &Error{Text: err.Error(), Section: "include", Key: "files"}
	}
	base := dirname(r.opts.abs(r.path))
	for _, pattern := range strings.FieldsFunc(files, isSpace) {
		pattern = join(base, pattern)
		matches := glob(pattern)
		if len(matches) == 0 {
			r.warnings = append(r.warnings, fmt.Sprintf(`No file matches via include "%s"`, pattern))
		}
		for _, path := range matches {
			if err := r.readInclude(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// readInclude reads one included file. One that cannot be opened is passed
// over, as ConfigParser does.
func (r *reader) readInclude(path string) error {
	r.infos = append(r.infos, fmt.Sprintf(`Included extra file "%s" during parsing`, path))
	known := len(r.doc.sections)
	if data, err := os.ReadFile(path); err == nil {
		r.warnExposed(path)
		if err := r.parse(data, path); err != nil {
			return err
		}
	}
	for _, added := range r.doc.sections[known:] {
		r.origin[added.name] = path
	}
	r.doc.replaceHere(r.opts.abs(dirname(path)))
	return nil
}

// sectionsOf lists the sections whose name begins with the prefix.
func (r *reader) sectionsOf(prefix string) []*section {
	var found []*section
	for _, s := range r.doc.sections {
		if strings.HasPrefix(s.name, prefix) {
			found = append(found, s)
		}
	}
	return found
}

// afterColon is the x of [kind:x], or nothing.
func afterColon(name string) string {
	_, after, _ := strings.Cut(name, ":")
	return after
}

// view reads the options of one section. The first error sticks, and what is
// read after it are defaults: so a section's options read as a plain list, and
// the error is that of the first bad one in the order of the list, which is
// the reference's order.
type view struct {
	reader  *reader
	section *section
	scope   scope
	err     error
}

// view looks at a section, whose values may use the environment and the
// layers.
func (r *reader) view(s *section, layers ...*names) *view {
	all := append(make(scope, 0, 4), r.env)
	return &view{reader: r, section: s, scope: append(all, layers...)}
}

// fail records an error about an option, or about the section where key is
// empty.
func (v *view) fail(key string, err error) {
	if v.err == nil {
		v.err = &Error{Text: err.Error(), Section: v.section.name, Key: key}
	}
}

func (v *view) failf(key, format string, args ...any) {
	v.fail(key, fmt.Errorf(format, args...))
}

// raw returns an option's value as it stands in the file.
func (v *view) raw(key string) (string, bool) {
	if v.err != nil {
		return "", false
	}
	v.reader.ask(v.section, key)
	return v.reader.doc.get(v.section, key)
}

// optional returns an option's expanded value, or false where it is not set.
func (v *view) optional(key string) (string, bool) {
	text, ok := v.raw(key)
	if !ok || strings.IndexByte(text, '%') < 0 {
		return text, ok
	}
	text, err := expand(text, v.section.name+"."+key, v.scope)
	if err != nil {
		v.fail(key, err)
		return "", false
	}
	return text, true
}

// text returns an option's expanded value.
func (v *view) text(key, absent string) string {
	if text, ok := v.optional(key); ok {
		return text
	}
	return absent
}

// pointer returns an option's expanded value, nil where it is not set.
func (v *view) pointer(key string) *string {
	if text, ok := v.optional(key); ok {
		return &text
	}
	return nil
}

func (v *view) integer(key string, absent int) int { return option(v, key, absent, ParseInteger) }
func (v *view) boolean(key string, absent bool) bool {
	return option(v, key, absent, ParseBoolean)
}
func (v *view) byteSize(key string, absent int64) int64 {
	return option(v, key, absent, ParseByteSize)
}

// option returns an option's expanded value, read by parse.
func option[T any](v *view, key string, absent T, parse func(string) (T, error)) T {
	text, ok := v.optional(key)
	if !ok {
		return absent
	}
	parsed, err := parse(text)
	if err != nil {
		v.fail(key, err)
		return absent
	}
	return parsed
}

// check is option for a default that is a text which has to hold for the
// parser, too, as a path that must exist.
func check(v *view, key, absent string, parse func(string) (string, error)) string {
	text := v.text(key, absent)
	if v.err != nil {
		return ""
	}
	parsed, err := parse(text)
	if err != nil {
		v.fail(key, err)
	}
	return parsed
}

// cachedAccounts remembers look-ups for the time of one reading: a thousand
// programs with a user are one look-up.
type cachedAccounts struct {
	Accounts
	byName map[string]found
	byID   map[int]found
}

type found struct {
	account Account
	ok      bool
}

func newCachedAccounts(accounts Accounts) *cachedAccounts {
	return &cachedAccounts{Accounts: accounts, byName: map[string]found{}, byID: map[int]found{}}
}

// UserByName is part of Accounts.
func (c *cachedAccounts) UserByName(name string) (Account, bool) {
	return cached(c.byName, name, c.Accounts.UserByName)
}

// UserByID is part of Accounts.
func (c *cachedAccounts) UserByID(uid int) (Account, bool) {
	return cached(c.byID, uid, c.Accounts.UserByID)
}

func cached[K comparable](cache map[K]found, key K, look func(K) (Account, bool)) (Account, bool) {
	entry, ok := cache[key]
	if !ok {
		entry.account, entry.ok = look(key)
		cache[key] = entry
	}
	return entry.account, entry.ok
}
