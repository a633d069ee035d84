package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fuzzDocuments is how many random documents TestAgreesWithPython reads, as
// VIGILANCE_FUZZ_DOCS says.
func fuzzDocuments(t *testing.T) int {
	count := 2000
	if text := os.Getenv("VIGILANCE_FUZZ_DOCS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatalf("VIGILANCE_FUZZ_DOCS=%q: want a number", text)
		}
	}
	return count
}

// fuzzSeed is the seed of the random inputs: always the same in the short
// form, so that it fails for whoever broke something; another one with every
// run that is told how many documents to read; or what VIGILANCE_FUZZ_SEED says,
// to repeat one.
func fuzzSeed(t *testing.T) uint64 {
	seed := uint64(1)
	if os.Getenv("VIGILANCE_FUZZ_DOCS") != "" {
		seed = uint64(time.Now().UnixNano())
	}
	if text := os.Getenv("VIGILANCE_FUZZ_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("VIGILANCE_FUZZ_SEED=%q: want a number", text)
		}
	}
	t.Logf("to repeat: VIGILANCE_FUZZ_SEED=%d VIGILANCE_FUZZ_DOCS=%d", seed, fuzzDocuments(t))
	return seed
}

// fuzzed is a random input of the fuzz test, with our reading of it.
type fuzzed struct {
	question question
	text     string
	got      any
	err      error
}

// TestAgreesWithPython reads random documents with the reference and with
// ours: a third by the bare dialect, the others as whole configurations, some
// of them with includes. The error texts have to agree as well.
func TestAgreesWithPython(t *testing.T) {
	python := startReference(t)
	g, total := newGenerator(fuzzSeed(t)), fuzzDocuments(t)
	dir := t.TempDir()
	failures, crashes, errors := 0, 0, 0
	const batch = 100
	for done := 0; done < total; done += batch {
		var inputs []fuzzed
		var questions []question
		for i := range min(batch, total-done) {
			input := fuzzDocument(t, g, python.options(), filepath.Join(dir, strconv.Itoa(i)))
			inputs, questions = append(inputs, input), append(questions, input.question)
		}
		for i, want := range python.ask(questions) {
			input := inputs[i]
			if want.Crash != nil {
				crashes++
			} else if want.Error != nil {
				errors++
			}
			if ok, gotText, wantText := want.same(t, input.got, input.err); !ok {
				t.Errorf("%v\n%s\n got %s\nwant %s", input.question[0], input.text, gotText, wantText)
				if failures++; failures == 10 {
					t.Fatal("too many disagreements")
				}
			}
		}
	}
	t.Logf("%d documents: %d disagreements; the reference read %d, refused %d and crashed on %d",
		total, failures, total-errors-crashes, errors, crashes)
	if errors+crashes > total*4/5 {
		t.Errorf("%d of %d documents are errors: too few are read to prove anything", errors+crashes, total)
	}
}

// fuzzDocument makes a random document and reads it. dir is a folder for its
// files.
func fuzzDocument(t *testing.T, g generator, opts Options, dir string) fuzzed {
	if g.oneIn(3) {
		text := g.lines()
		if g.oneIn(2) {
			text = g.roughen(g.configuration(10))
		}
		got, err := readINI(text)
		return fuzzed{question{"ini", text}, strconv.Quote(text), got, err}
	}
	badness := g.IntN(200) + 10
	main, included := g.configuration(badness), ""
	if g.oneIn(4) {
		main += "[include]\n" + g.pick("files=inc/*.conf", "files = inc/a.conf inc/nope*.conf",
			"files=%(here)s/inc/[a-b].conf", "files=inc", "files=inc/?.conf\n  inc/*", "files=%(host_node_name)s inc/a.conf", "files=") + "\n"
		if g.oneIn(10) {
			main += g.pick("files=%(nope)s\n", "[include]\nfiles=100%\n", "files : inc/[!b].*\n", "files=../inc/nope/*\n")
		}
		included = g.configuration(badness)
	}
	if g.oneIn(3) {
		main, included = g.roughen(main), g.roughen(included)
	}
	if g.oneIn(50) {
		at := g.IntN(max(1, len(main)))
		main = main[:at] + g.pick("\xff", "\xe9x", "\xe6\x97", "\xed\xa0\x80", "\xf0\x9f\x98", "\x80", "\xc0\xaf") + main[at:]
	}
	path := filepath.Join(dir, "supervisord.conf")
	writeFile(t, path, main)
	writeFile(t, filepath.Join(dir, "inc", "a.conf"), included)
	writeFile(t, filepath.Join(dir, "inc", "b.conf"), "[program:inc]\ncommand=%(here)s/x\n")
	shown := fmt.Sprintf("main: %q\nincluded: %q", main, included)
	if g.oneIn(12) {
		ctl, err := LoadCtl(path, opts)
		if err != nil {
			return fuzzed{question{"ctl", path}, shown, nil, err}
		}
		return fuzzed{question{"ctl", path}, shown, dumpCtl(ctl), nil}
	}
	cfg, err := Load(path, opts)
	if err != nil {
		return fuzzed{question{"config", path}, shown, nil, err}
	}
	return fuzzed{question{"config", path}, shown, dumpConfig(cfg), nil}
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readINI reads a document by the bare dialect.
func readINI(text string) (any, error) {
	text, err := decodeText([]byte(text))
	if err != nil {
		return nil, err
	}
	doc := newDocument()
	if err := doc.parse(text, "FILE"); err != nil {
		return nil, err
	}
	return dumpDocument(doc), nil
}

// TestOptionsAgreeWithPython gives every option of every section each of its
// kind's values, the good and the bad ones, one at a time.
func TestOptionsAgreeWithPython(t *testing.T) {
	python := startReference(t)
	dir := t.TempDir()
	var questions []question
	var inputs []fuzzed
	for _, section := range []string{
		"supervisord", "inet_http_server:x", "unix_http_server", "rpcinterface:supervisor", "group:g", "program:b",
		"eventlistener:l", "fcgi-program:f",
	} {
		for _, option := range optionsOf(section) {
			key, kind, _ := strings.Cut(option, ":")
			values := valuesOf(kind)
			for _, value := range append(append([]string{}, values.good...), values.bad...) {
				text := minimal(section, key) + key + " = " + value + "\n"
				path := filepath.Join(dir, strconv.Itoa(len(inputs)), "supervisord.conf")
				writeFile(t, path, text)
				input := fuzzed{text: text}
				if cfg, err := Load(path, python.options()); err != nil {
					input.err = err
				} else {
					input.got = dumpConfig(cfg)
				}
				questions, inputs = append(questions, question{"config", path}), append(inputs, input)
			}
		}
	}
	compare(t, python.ask(questions), inputs)
	t.Logf("%d documents", len(inputs))
}

// minimal is a document that needs nothing but the option to be added to the
// section.
func minimal(section, key string) string {
	var text strings.Builder
	if section != "supervisord" {
		text.WriteString("[supervisord]\n")
	}
	text.WriteString("[program:a]\ncommand=/bin/cat\n[" + section + "]\n")
	switch key {
	case "username":
		text.WriteString("password=x\n")
	case "password":
		text.WriteString("username=x\n")
	}
	for _, option := range required(section) {
		if needed, kind, _ := strings.Cut(option, ":"); needed != key {
			text.WriteString(needed + "=" + valuesOf(kind).good[0] + "\n")
		}
	}
	return text.String()
}

func compare(t *testing.T, answers []answer, inputs []fuzzed) {
	t.Helper()
	for i, want := range answers {
		if want.Crash != nil {
			t.Logf("the reference crashes on %s: %s", inputs[i].text, *want.Crash)
		}
		if ok, gotText, wantText := want.same(t, inputs[i].got, inputs[i].err); !ok {
			t.Errorf("%s\n got %s\nwant %s", inputs[i].text, gotText, wantText)
		}
	}
}

// TestValueParsersAgreeWithPython compares the parsers of single values, by
// their tables and by random texts.
func TestValueParsersAgreeWithPython(t *testing.T) {
	python := startReference(t)
	opts := python.options()
	inet := func(text string) (any, error) {
		host, port, err := ParseInetAddress(text)
		return []any{host, port}, err
	}
	owner := func(text string) (any, error) {
		uid, gid, err := opts.ParseUserGroup(text)
		return []any{uid, gid}, err
	}
	exitCodes := func(text string) (any, error) {
		codes, err := ParseExitCodes(text)
		return list(codes), err
	}
	parsers := []struct {
		python, kind string
		parse        func(string) (any, error)
	}{
		{"integer", "int", anyOf(ParseInteger)},
		{"boolean", "bool", anyOf(ParseBoolean)},
		{"byte_size", "bytes", anyOf(ParseByteSize)},
		{"octal_type", "octal", anyOf(ParseOctal)},
		{"signal_number", "signal", anyOf(ParseSignal)},
		{"auto_restart", "restart", anyOf(ParseAutoRestart)},
		{"list_of_exitcodes", "codes", exitCodes},
		{"logging_level", "level", anyOf(ParseLogLevel)},
		{"name_to_uid", "user", anyOf(opts.ParseUser)},
		{"name_to_gid", "user", anyOf(opts.ParseGroup)},
		{"colon_separated_user_group", "owner", owner},
		{"existing_directory", "dir", anyOf(opts.ParseExistingDirectory)},
		{"existing_dirpath", "dirpath", anyOf(opts.ParseExistingDirpath)},
		{"inet_address", "port", inet},
		{"url", "serverurl", anyOf(ParseURL)},
		{"process_or_group_name", "process_name", anyOf(parseName)},
	}
	g := newGenerator(fuzzSeed(t))
	var questions []question
	var inputs []fuzzed
	for _, parser := range parsers {
		values := valuesOf(parser.kind)
		texts := append(append([]string{}, values.good...), values.bad...)
		for range 200 {
			texts = append(texts, g.scramble(g.pick(texts...)))
		}
		for _, text := range texts {
			got, err := parser.parse(text)
			questions = append(questions, question{"value", parser.python, text})
			inputs = append(inputs, fuzzed{text: fmt.Sprintf("%s(%q)", parser.python, text), got: got, err: err})
		}
	}
	compare(t, python.ask(questions), inputs)
}

func anyOf[T any](parse func(string) (T, error)) func(string) (any, error) {
	return func(text string) (any, error) { return parse(text) }
}

// TestTextFunctionsAgreeWithPython compares the formatting, the splitting and
// the rest of what Python gives the reference, by random texts.
func TestTextFunctionsAgreeWithPython(t *testing.T) {
	python := startReference(t)
	opts, g := python.options(), newGenerator(fuzzSeed(t))
	values := [][]any{{"a", "xyz"}, {"n", 7}, {"neg", -3}, {"", "EMPTY"}, {"a(b)", "NEST"}, {"c", "é"}, {"big", 12345}}
	vars := vectorNames()
	vars[0].set("c", textValue("é"))
	vars[0].set("big", numberValue(12345))
	noError := func(got string) (any, error) { return got, nil }
	var questions []question
	var inputs []fuzzed
	add := func(q question, got any, err error) {
		questions = append(questions, q)
		inputs = append(inputs, fuzzed{text: fmt.Sprintf("%q", []any(q)), got: got, err: err})
	}
	for range 3000 {
		format := g.format()
		got, err := percentFormat(format, vars)
		add(question{"percent", format, values}, got, err)
	}
	for range 2000 {
		words := g.words()
		split, err := SplitCommand(words)
		add(question{"split", words}, split, err)
		pairs, err := ParseEnvironment(words)
		add(question{"environment", words}, pairs, err)
		text := g.scramble(words)
		got, err := noError(PyRepr(text))
		add(question{"repr", text}, got, err)
		got, err = noError(pyASCII(text))
		add(question{"ascii", text}, got, err)
		got, err = noError(pyLower(text))
		add(question{"lower", text}, got, err)
		path := g.path()
		got, err = noError(opts.NormalizePath(path))
		add(question{"normalize", path}, got, err)
	}
	compare(t, python.ask(questions), inputs)
}

// TestGlobAgreesWithPython compares the matches of random patterns.
func TestGlobAgreesWithPython(t *testing.T) {
	python := startReference(t)
	g := newGenerator(fuzzSeed(t))
	dir := t.TempDir()
	for _, name := range []string{"a.conf", "b.conf", ".hidden", "a-b", "[x]", "sub/a.conf", "sub/.h/x", "sub2/é", "z!", "^", "\\", "sub/]"} {
		writeFile(t, filepath.Join(dir, name), "")
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "broken")); err != nil {
		t.Fatal(err)
	}
	var questions []question
	var inputs []fuzzed
	for range 1500 {
		pattern := dir + "/"
		for range 1 + g.IntN(5) {
			pattern += g.pick("*", "?", "[", "]", "[a-b]", "[!a]", "[]", "[]a]", "[!]", "a", "b", ".conf", ".", "/", "sub", "**", "[z-a]",
				"[^a]", "[a-]", "[--a]", "x", "é", "[!z-a]", "broken", "-", "[\\]", "[a-b-c]", "[b-a!a]", "[b-a!-z]", "[pb-a-z]")
		}
		questions = append(questions, question{"glob", pattern})
		inputs = append(inputs, fuzzed{text: pattern, got: list(glob(pattern))})
	}
	compare(t, python.ask(questions), inputs)
}
