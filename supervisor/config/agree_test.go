package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
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

// fuzzSeed is the seed of the random inputs: another one with every run, or
// what VIGILANCE_FUZZ_SEED says, to repeat one.
func fuzzSeed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("VIGILANCE_FUZZ_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("VIGILANCE_FUZZ_SEED=%q: want a number", text)
		}
	}
	t.Logf("to repeat: VIGILANCE_FUZZ_SEED=%d VIGILANCE_FUZZ_DOCS=%d", seed, fuzzDocuments(t))
	return seed
}

// document is a random input of the fuzz test, with our reading of it.
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
		main += "[include]\n" + g.pick("files=inc/*.conf", "files = inc/a.conf inc/nope*.conf", "files=%(here)s/inc/[a-b].conf",
			"files=inc", "nofiles=1", "files=inc/?.conf\n  inc/*", "files=%(host_node_name)s inc/a.conf", "files=%(nope)s", "files=") + "\n"
		included = g.configuration(badness)
	}
	if g.oneIn(2) {
		main, included = g.roughen(main), g.roughen(included)
	}
	if g.oneIn(50) {
		at := g.IntN(len(main) + 1)
		main = main[:at] + g.pick("\xff", "\xe9x", "\xe6\x97", "\xed\xa0\x80", "\xf0\x9f\x98", "\x80", "\xc0\xaf") + main[at:]
	}
	path := filepath.Join(dir, "supervisord.conf")
	writeFile(t, path, main)
	writeFile(t, filepath.Join(dir, "inc", "a.conf"), included)
	writeFile(t, filepath.Join(dir, "inc", "b.conf"), "[program:inc]\ncommand=%(here)s/x\n")
	shown := fmt.Sprintf("main: %q\nincluded: %q", main, included)
	if g.oneIn(8) {
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
