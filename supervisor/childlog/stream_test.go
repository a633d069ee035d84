package childlog

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sorted is what a stream makes of its bytes.
type sorted struct {
	log, told string
	captures  []string
}

// sortChunks runs a stream over chunks, to its end.
func sortChunks(t testing.TB, o StreamOptions, chunks ...string) sorted {
	t.Helper()
	var got sorted
	path := filepath.Join(t.TempDir(), "log")
	o.Log = OpenFile(FileOptions{Path: path})
	o.OnLog = func(data []byte) { got.told += string(data) }
	o.OnCapture = func(data []byte) { got.captures = append(got.captures, string(data)) }
	s := NewStream(o)
	for _, c := range chunks {
		s.Write([]byte(c))
	}
	s.Close()
	o.Log.Close()
	content, err := ReadFile(path, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	got.log = string(content)
	return got
}

func TestStreamSeparatesCapturesFromTheLog(t *testing.T) {
	const b, e = beginToken, endToken
	for _, tc := range []struct {
		name     string
		chunks   []string
		log      string
		captures []string
	}{
		{"no token", []string{"hello\n"}, "hello\n", nil},
		{"one capture", []string{"a" + b + "data" + e + "z"}, "az", []string{"data"}},
		{"empty capture", []string{b + e}, "", []string{""}},
		{"two captures in a chunk", []string{b + "1" + e + "x" + b + "2" + e}, "x", []string{"1", "2"}},
		{"tokens cut by reads", []string{"a<!--XSUPER", "VISOR:BEGIN-->da", "ta<!--XSUPERVISOR:", "END-->z"}, "az", []string{"data"}},
		{"token alone in a read", []string{b, "data", e}, "", []string{"data"}},
		{"almost a token", []string{"<!--XSUPERVISOR:BEGIX-->"}, "<!--XSUPERVISOR:BEGIX-->", nil},
		{"prefix at the end of output", []string{"bye <!--XSUPER"}, "bye <!--XSUPER", nil},
		{"end token outside a capture", []string{"a" + e + "b"}, "a" + e + "b", nil},
		{"begin token within a capture", []string{b + "x" + b + "y" + e}, "", []string{"x" + b + "y"}},
		{"capture that does not end", []string{"a" + b + "data", "more <!--XS"}, "a", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := sortChunks(t, StreamOptions{CaptureMaxBytes: 1000}, tc.chunks...)
			if got.log != tc.log || !slices.Equal(got.captures, tc.captures) {
				t.Errorf("%q\n got log %q, captures %q\nwant log %q, captures %q", tc.chunks, got.log, got.captures, tc.log, tc.captures)
			}
		})
	}
}

func TestStreamWithoutCaptureLeavesTokensAlone(t *testing.T) {
	text := "a" + beginToken + "b" + endToken
	if got := sortChunks(t, StreamOptions{}, text); got.log != text || got.captures != nil {
		t.Errorf("got %+v, want the log to be %q", got, text)
	}
}

func TestStreamLogsShortOutputAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := OpenFile(FileOptions{Path: path})
	defer f.Close()
	captured := 0
	s := NewStream(StreamOptions{Log: f, CaptureMaxBytes: 1000, OnCapture: func([]byte) { captured++ }})
	s.Write([]byte("short\n"))
	if got := get(t, path); got != "short\n" {
		t.Errorf("log after a line shorter than a token: got %q, want %q", got, "short\n")
	}
	for _, chunk := range []string{beginToken, "x", endToken} {
		s.Write([]byte(chunk))
	}
	if captured != 1 {
		t.Errorf("captures once the end token was read: got %d, want 1", captured)
	}
}

// dispatch is a run of the reference's dispatcher.
type dispatch struct {
	Capture int64    `json:"capture"`
	Strip   bool     `json:"strip"`
	Chunks  []string `json:"chunks"`
}

func TestStreamSortsBytesAsTheReference(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var cases []dispatch
	for i := range 600 {
		c := dispatch{Capture: []int64{0, 10000}[min(i%8, 1)], Strip: i%3 == 0}
		chunks := randomChunks(random)
		if c.Strip {
			// Sequences cut by reads the reference leaves in: compare whole ones,
			// with enough text after them that nothing is held back.
			chunks = []string{strings.Join(chunks, "") + strings.Repeat("~", len(beginToken)+1)}
		}
		for _, chunk := range chunks {
			c.Chunks = append(c.Chunks, latin1([]byte(chunk)))
		}
		cases = append(cases, c)
	}
	var want []struct {
		Log, Told, Left string
		Captures        []string
		Capturing       bool
	}
	reference(t, "dispatch", cases, &want)
	captures := 0
	for i, c := range cases {
		var chunks []string
		for _, chunk := range c.Chunks {
			chunks = append(chunks, unlatin1(chunk))
		}
		got := sortChunks(t, StreamOptions{CaptureMaxBytes: c.Capture, StripANSI: c.Strip}, chunks...)
		w := want[i]
		// What the reference still holds back at the end it loses; here it is
		// looked through to the end, and logged.
		rest := sortRest(t, c, unlatin1(w.Left), w.Capturing)
		wantLog, wantCaptures := unlatin1(w.Log)+rest.log, append(slices.Clone(w.Captures), rest.captures...)
		if w.Capturing && len(rest.captures) > 0 {
			continue // the capture began before what was held back
		}
		captures += len(wantCaptures)
		if !w.Capturing && got.told != unlatin1(w.Told)+rest.told {
			t.Fatalf("%+v: told %q, want %q", c, got.told, unlatin1(w.Told)+rest.told)
		}
		if got.log != wantLog || len(got.captures) != len(wantCaptures) {
			t.Fatalf("%+v\n got log %q, captures %q\nwant log %q, captures %q", c, got.log, got.captures, wantLog, wantCaptures)
		}
		for j, data := range got.captures {
			if data != unlatin1(wantCaptures[j]) {
				t.Fatalf("%+v: capture %d: got %q, want %q", c, j, data, wantCaptures[j])
			}
		}
	}
	if captures < 50 {
		t.Errorf("the random outputs held %d captures, want at least 50", captures)
	}
}

// sortRest sorts what the reference held back at the end of the output.
func sortRest(t *testing.T, c dispatch, left string, capturing bool) sorted {
	t.Helper()
	if capturing {
		rest := sortChunks(t, StreamOptions{CaptureMaxBytes: c.Capture}, beginToken+left)
		return rest
	}
	return sortChunks(t, StreamOptions{CaptureMaxBytes: c.Capture, StripANSI: c.Strip}, left)
}

// randomChunks makes output rich in tokens, pieces of tokens and escape
// sequences, cut anywhere.
func randomChunks(random *rand.Rand) []string {
	pieces := []string{
		beginToken, endToken, beginToken, endToken, "<!--XSUPERVISOR:", "<!--", "<", "BEGIN-->", "-->",
		"hello\n", "a", "\x1b[31mred\x1b[0m", "\x1b[", "\x1b", "[", "\xff\xfe", strings.Repeat("long ", 20), "\n",
	}
	var text strings.Builder
	for range 1 + random.IntN(12) {
		text.WriteString(pieces[random.IntN(len(pieces))])
	}
	return cut(random, text.String())
}

func cut(random *rand.Rand, text string) []string {
	var chunks []string
	for len(text) > 0 {
		n := 1 + random.IntN(min(len(text), 40))
		chunks = append(chunks, text[:n])
		text = text[n:]
	}
	return chunks
}

func unlatin1(s string) string {
	var out []byte
	for _, r := range s {
		out = append(out, byte(r))
	}
	return string(out)
}

func TestCaptureBufferIsBoundedAsTheReferences(t *testing.T) {
	type bounded struct {
		Max    int64    `json:"max"`
		Pieces []string `json:"pieces"`
	}
	random := rand.New(rand.NewPCG(5, 6))
	var cases []bounded
	for range 300 {
		c := bounded{Max: 1 + random.Int64N(20), Pieces: []string{}}
		for i := range random.IntN(8) {
			c.Pieces = append(c.Pieces, strings.Repeat(string(rune('a'+i)), random.IntN(15)))
		}
		cases = append(cases, c)
	}
	var want []string
	reference(t, "bound", cases, &want)
	for i, c := range cases {
		buffer := captureBuffer{max: c.Max}
		for _, piece := range c.Pieces {
			buffer.write([]byte(piece))
		}
		if got := string(buffer.take()); got != want[i] {
			t.Errorf("capture of %q in %d bytes: got %q, want %q", c.Pieces, c.Max, got, want[i])
		}
	}
}

func TestStripRemovesEscapesAsTheReference(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	cases := []string{"", "plain", "\x1b[1;31mred\x1b[0m", "\x1b[31", "a\x1b", "\x1b\x1b[mx", "\x1b[\x1b[mx", "\x1b]0;title\x07", "\x1b[0zm"}
	for range 500 {
		cases = append(cases, strings.Join(randomChunks(random), ""))
	}
	asked := make([]string, len(cases))
	for i, c := range cases {
		asked[i] = latin1([]byte(c))
	}
	var want []string
	reference(t, "strip", asked, &want)
	for i, c := range cases {
		if got := stripAll(c); got != unlatin1(want[i]) {
			t.Errorf("strip %q: got %q, want %q", c, got, unlatin1(want[i]))
		}
	}
}

func stripAll(chunks ...string) string {
	var s stripper
	var out []byte
	for _, c := range chunks {
		out = append(out, s.strip([]byte(c))...)
	}
	return string(append(out, s.flush()...))
}

func FuzzStreamDoesNotDependOnChunks(f *testing.F) {
	f.Add([]byte("a"+beginToken+"b"+endToken+"c"), uint64(1), true)
	f.Add([]byte("\x1b[31mred\x1b[0m \x1b <!--XSUPERVISOR:<!--XSUPERVISOR:BEGIN-->"), uint64(2), true)
	f.Add([]byte(beginToken+"\x1b["+endToken+"m"), uint64(3), true)
	f.Add([]byte(beginToken+beginToken+endToken+endToken), uint64(4), false)
	f.Fuzz(func(t *testing.T, text []byte, seed uint64, strip bool) {
		o := StreamOptions{CaptureMaxBytes: int64(len(text)) + 1, StripANSI: strip}
		whole := sortInMemory(o, string(text))
		chunks := cut(rand.New(rand.NewPCG(seed, 0)), string(text))
		if got := sortInMemory(o, chunks...); got.told != whole.told || !slices.Equal(got.captures, whole.captures) {
			t.Errorf("chunks %q\n got %+v\nwant %+v", chunks, got, whole)
		}
		if !strip && bytes.Count(text, []byte(beginToken)) == 0 && whole.told != string(text) {
			t.Errorf("text without a token %q: got %q", text, whole.told)
		}
	})
}

// sortInMemory is sortChunks without a file: what is told stands for the log.
func sortInMemory(o StreamOptions, chunks ...string) sorted {
	var got sorted
	o.OnLog = func(data []byte) { got.told += string(data) }
	o.OnCapture = func(data []byte) { got.captures = append(got.captures, string(data)) }
	s := NewStream(o)
	for _, c := range chunks {
		s.Write([]byte(c))
	}
	s.Close()
	return got
}

func TestStreamsAreBulkWhileNobodyIsToldOfTheirBytes(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    StreamOptions
		want bool
	}{
		{"nothing", StreamOptions{}, true},
		{"strip", StreamOptions{StripANSI: true}, true},
		{"syslog", StreamOptions{Syslog: func(string) {}}, true},
		{"capture", StreamOptions{CaptureMaxBytes: 1}, false},
		{"events", StreamOptions{OnLog: func([]byte) {}}, false},
	} {
		if got := NewStream(tc.o).Bulk(); got != tc.want {
			t.Errorf("Bulk of a stream with %s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestStreamSendsSyslogTheReferencesMessages(t *testing.T) {
	type message struct {
		Format string `json:"format"`
		Data   string `json:"data"`
	}
	var cases []message
	for _, data := range []string{"one\n", "one\ntwo\n", "a\n\n\n", "\n", "\n\n", "no end", "a\n\nb\n", "\nb\n"} {
		cases = append(cases, message{"prog %(message)s", data})
	}
	var want [][]string
	reference(t, "syslog", cases, &want)
	for i, c := range cases {
		var got []string
		NewStream(StreamOptions{Syslog: func(line string) { got = append(got, "prog "+line) }}).Write([]byte(c.Data))
		if !slices.Equal(got, want[i]) {
			t.Errorf("syslog messages of %q: got %q, want %q", c.Data, got, want[i])
		}
	}
}
