package xmlrpc

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAnswerIsWrittenAsPythonDoes(t *testing.T) {
	// What Python's xmlrpc.client.dumps makes of the same values.
	const want = `<?xml version='1.0'?>
<methodResponse>
<params>
<param>
<value><array><data>
<value><struct>
<member>
<name>s</name>
<value><string>a &lt;b&gt; &amp; "c" 'd'
	é</string></value>
</member>
<member>
<name>i</name>
<value><int>-5</int></value>
</member>
<member>
<name>yes</name>
<value><boolean>1</boolean></value>
</member>
<member>
<name>l</name>
<value><array><data>
<value><string>x</string></value>
<value><string></string></value>
</data></array></value>
</member>
</struct></value>
<value><boolean>0</boolean></value>
<value><string>raw</string></value>
</data></array></value>
</param>
</params>
</methodResponse>
`
	a := NewAnswer(0)
	defer a.Release()
	a.BeginArray()
	a.BeginStruct()
	a.StringMember("s", "a <b> & \"c\" 'd'\n\té")
	a.IntMember("i", -5)
	a.BoolMember("yes", true)
	a.BeginMember("l")
	a.Strings([]string{"x", ""})
	a.EndMember()
	a.EndStruct()
	a.Bool(false)
	a.Data([]byte("raw"))
	a.EndArray()
	if got := ended(t, a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFaultIsWrittenAsPythonDoes(t *testing.T) {
	const want = `<?xml version='1.0'?>
<methodResponse>
<fault>
<value><struct>
<member>
<name>faultCode</name>
<value><int>10</int></value>
</member>
<member>
<name>faultString</name>
<value><string>BAD_NAME: a&amp;b</string></value>
</member>
</struct></value>
</fault>
</methodResponse>
`
	a := NewAnswer(0)
	defer a.Release()
	a.BeginArray()
	a.String("what came before the fault")
	if got := faulted(t, a, 10, "BAD_NAME: a&b"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// ended ends the answer and returns its text.
func ended(t *testing.T, a *Answer) string {
	t.Helper()
	a.End()
	return sent(t, a)
}

// faulted makes the answer a fault and returns its text.
func faulted(t *testing.T, a *Answer, code int, text string) string {
	t.Helper()
	a.EndFault(code, text)
	return sent(t, a)
}

// sent returns what is sent of an answer that has ended, which must be as long
// as it says.
func sent(t *testing.T, a *Answer) string {
	t.Helper()
	var text strings.Builder
	size := a.Size()
	if n, err := a.WriteTo(&text); err != nil || n != size || n != int64(text.Len()) {
		t.Errorf("WriteTo: got %d of %d bytes, %v, and told that it were %d", text.Len(), size, err, n)
	}
	return text.String()
}

func TestTruncateTakesBack(t *testing.T) {
	a := NewAnswer(0)
	defer a.Release()
	mark := a.Len()
	a.BeginStruct()
	a.Truncate(mark)
	a.Int(1)
	if got := ended(t, a); strings.Contains(got, "struct") || !strings.Contains(got, "<int>1</int>") {
		t.Errorf("got %q, want the number alone", got)
	}
}

func TestIntegersAreCapped(t *testing.T) {
	for _, tt := range []struct{ n, want int64 }{
		{0, 0}, {2147483647, 2147483647}, {2147483648, 2147483647}, {1 << 62, 2147483647},
		{-2147483648, -2147483648}, {-2147483649, -2147483648},
	} {
		if got := CapInt(tt.n); got != tt.want {
			t.Errorf("CapInt(%d) = %d, want %d", tt.n, got, tt.want)
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"<>&", "&lt;&gt;&amp;"},
		{"]]>", "]]&gt;"},
		{"\t\n\r", "\t\n\r"},
		{"\x00\x1b[31m\x7f", "\uFFFD\uFFFD[31m\x7f"},
		{"aä€😀z", "aä€😀z"},
		{"\xffa\xc3", "\uFFFDa\uFFFD"},
		{"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"}, // half of a surrogate pair
		{"\uFFFD\uFFFE\uFFFF", "\uFFFD\uFFFD\uFFFD"},
		{"é<\x01é", "é&lt;\uFFFDé"},
	}
	for _, tt := range tests {
		if got := string(appendEscaped(nil, tt.text)); got != tt.want {
			t.Errorf("appendEscaped(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if got := string(appendEscaped(nil, []byte(tt.text))); got != tt.want {
			t.Errorf("appendEscaped([]byte(%q)) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// wellFormed says why a text is no XML.
func wellFormed(text []byte) error {
	for dec := xml.NewDecoder(strings.NewReader(string(text))); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func FuzzAnswerIsXML(f *testing.F) {
	f.Add("a<b>\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		a := NewAnswer(0)
		defer a.Release()
		a.StringMember("x", text)
		pieces := strings.Repeat(text+"|", ShortText/(len(text)+1)+1) // cut anywhere
		if err := a.Text(&source{text: strings.NewReader(pieces)}); err != nil {
			t.Fatal(err)
		}
		got := []byte(ended(t, a))
		if err := wellFormed(got); err != nil || !utf8.Valid(got) {
			t.Errorf("%q: got %q, which is not XML: %v", text, got, err)
		}
	})
}
