package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func readVectors[T any](t *testing.T, name string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []T
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return vectors
}

// pythonError is the text of an error in the vectors, without its type, or
// false where the vector is no error.
func pythonError(vector json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(vector, &text) != nil || !strings.HasPrefix(text, "ERR ") {
		return "", false
	}
	_, message, _ := strings.Cut(text, ": ")
	return message, true
}

func TestParseReadsTheDialect(t *testing.T) {
	type vector struct {
		Name, Text string
		Parsed     json.RawMessage
	}
	for _, v := range readVectors[vector](t, "ini.json") {
		t.Run(v.Name, func(t *testing.T) {
			text, err := decodeText([]byte(v.Text))
			if err != nil {
				t.Fatal(err)
			}
			doc := newDocument()
			err = doc.parse(text, "FILE")
			if want, isError := pythonError(v.Parsed); isError {
				if err == nil || err.Error() != want {
					t.Errorf("parse(%q): got error %v, want %s", v.Text, err, want)
				}
				return
			}
			var want map[string]map[string]string
			if err := json.Unmarshal(v.Parsed, &want); err != nil {
				t.Fatal(err)
			}
			got := map[string]map[string]string{}
			for _, s := range doc.sections {
				got[s.name] = map[string]string{}
				for _, key := range doc.keys(s) {
					got[s.name][key], _ = doc.get(s, key)
				}
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("parse(%q):\n got %q, %v\nwant %q", v.Text, got, err, want)
			}
		})
	}
}

// vectorNames are the values that percent.json was made with.
func vectorNames() scope {
	vars := newNames()
	vars.set("a", textValue("xyz"))
	vars.set("n", numberValue(7))
	vars.set("neg", numberValue(-3))
	vars.set("", textValue("EMPTY"))
	vars.set("a(b)", textValue("NEST"))
	return scope{vars}
}

func TestPercentFormatsAsPythonDoes(t *testing.T) {
	type vector struct{ Format, Python string }
	for _, v := range readVectors[vector](t, "percent.json") {
		got, err := percentFormat(v.Format, vectorNames())
		if message, isError := strings.CutPrefix(v.Python, "ERR "); isError {
			_, want, _ := strings.Cut(message, ": ")
			if err == nil || err.Error() != want {
				t.Errorf("percentFormat(%q): got %q, %v, want error %s", v.Format, got, err, want)
			}
			continue
		}
		if err != nil || got != v.Python {
			t.Errorf("percentFormat(%q): got %q, %v, want %q", v.Format, got, err, v.Python)
		}
	}
}

func TestSplitCommandSplitsAsShlexDoes(t *testing.T) {
	type vector struct {
		Command string
		Split   json.RawMessage
	}
	for _, v := range readVectors[vector](t, "command.json") {
		got, err := SplitCommand(v.Command)
		if want, isError := pythonError(v.Split); isError {
			if err == nil || err.Error() != want {
				t.Errorf("SplitCommand(%q): got %q, %v, want error %s", v.Command, got, err, want)
			}
			continue
		}
		var want []string
		if err := json.Unmarshal(v.Split, &want); err != nil {
			t.Fatal(err)
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("SplitCommand(%q): got %q, %v, want %q", v.Command, got, err, want)
		}
	}
}

func TestSplitCommandErrorsCanBeTold(t *testing.T) {
	if _, err := SplitCommand("a 'b"); !errors.Is(err, ErrNoClosingQuotation) {
		t.Errorf("SplitCommand: got %v, want ErrNoClosingQuotation", err)
	}
	if _, err := SplitCommand(`a\`); !errors.Is(err, ErrNoEscapedCharacter) {
		t.Errorf("SplitCommand: got %v, want ErrNoEscapedCharacter", err)
	}
}

func TestParseEnvironmentReadsOldAndNewQuoting(t *testing.T) {
	type vector struct {
		Environment string
		Old         json.RawMessage `json:"v4.2.5"`
		New         json.RawMessage `json:"v4.4dev"`
	}
	for _, v := range readVectors[vector](t, "environment.json") {
		wanted := v.Old
		if _, isError := pythonError(v.Old); isError {
			if _, isError := pythonError(v.New); !isError {
				wanted = v.New
			}
		}
		got, err := ParseEnvironment(v.Environment)
		if want, isError := pythonError(wanted); isError {
			if err == nil || err.Error() != want {
				t.Errorf("ParseEnvironment(%q): got %q, %v, want error %s", v.Environment, got, err, want)
			}
			continue
		}
		var want map[string]string
		if err := json.Unmarshal(wanted, &want); err != nil {
			t.Fatal(err)
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseEnvironment(%q): got %q, %v, want %q", v.Environment, got, err, want)
		}
	}
}
