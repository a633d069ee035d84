package client

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/kolo/xmlrpc"
)

func answer(value string) string {
	return "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n" + value + "</param>\n</params>\n</methodResponse>\n"
}

func TestReplyTexts(t *testing.T) {
	tests := []struct{ value, want string }{
		{"<value><string>plain</string></value>\n", "plain"},
		{"<value>untyped</value>", "untyped"},
		{"<value> \n </value>", " \n "},
		{"<value><string></string></value>", ""},
		{"<value><string/></value>", ""},
		{"<value/>", ""},
		{"<value><nil/></value>", ""},
		{"<value>\n<string>in lines</string>\n</value>", "in lines"},
		{"<value><int>-5</int></value>", "-5"},
		{"<value><string>&lt;a&gt; &amp;amp; &quot;b&quot; &apos;</string></value>", `<a> &amp; "b" '`},
		{"<value><string>&#228;&#xe4;&#27;[0m</string></value>", "\u00e4\u00e4\x1b[0m"},
		{"<value><string>raw \x1b[31mred\x1b[0m \x00\x08 end</string></value>", "raw \x1b[31mred\x1b[0m \x00\x08 end"},
		{"<value><string>a\r\nb\rc\nd</string></value>", "a\nb\nc\nd"},
		{"<value><string>a<![CDATA[<b>&amp;]]>c</string></value>", "a<b>&amp;c"},
		{"<value><string>a<!-- no --><?pi?>b</string></value>", "ab"},
		{"<value ><string >x</string ></value >", "x"},
		{"<value><string>\xff\xfe not UTF-8</string></value>", "\xff\xfe not UTF-8"},
	}
	for _, tt := range tests {
		var got string
		err := newReply([]byte(answer(tt.value))).result(func(r *reply) { got = r.text() })
		if err != nil || got != tt.want {
			t.Errorf("text of %q = %q, %v, want %q", tt.value, got, err, tt.want)
		}
	}
}

func TestReplyFaults(t *testing.T) {
	tests := []struct {
		document string
		want     Fault
	}{
		{"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n" +
			"<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n" +
			"<value><string>BAD_NAME: a&lt;b</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n",
			Fault{10, "BAD_NAME: a<b"}},
		{"<methodResponse><fault><value><struct><member><name>more</name><value><array><data><value><int>1</int></value></data></array></value></member>" +
			"<member><name>faultString</name><value>x</value></member><member><name>faultCode</name><value><i4>6</i4></value></member>" +
			"</struct></value></fault></methodResponse>", Fault{6, "x"}},
	}
	for _, tt := range tests {
		err := newReply([]byte(tt.document)).result((*reply).skip)
		var got *Fault
		if !errors.As(err, &got) || *got != tt.want || FaultCode(err) != tt.want.Code {
			t.Errorf("result of %q = %v, want the fault %+v", tt.document, err, tt.want)
		}
	}
}

func TestReplyRefusesWhatIsBroken(t *testing.T) {
	whole := answer(infoValue(1))
	for _, document := range []string{
		"", "<", "<html><body>Error</body></html>", "text", "<methodResponse/>", "<methodResponse><params/></methodResponse>",
		answer("<value><string>x</int></value>"), answer("<value><string>&nosuch;</string></value>"),
		answer("<value><string>&#x110000000;</string></value>"), answer("<value><string>& </string></value>"),
		answer("<value><struct></struct></value>"), answer("<value><array><data></data></value>"),
		"<methodResponse><params><param><value><string><![CDATA[", "<methodResponse><!-- ",
	} {
		err := newReply([]byte(document)).result(func(r *reply) { r.text() })
		if err == nil || FaultCode(err) != 0 {
			t.Errorf("result of %q = %v, want an error", document, err)
		}
	}
	for end := range len(whole) - len("</params>\n</methodResponse>\n") {
		err := newReply([]byte(whole[:end])).result(func(r *reply) { r.processInfo() })
		if err == nil {
			t.Errorf("result of a document cut after byte %d of %d: no error", end, len(whole))
		}
	}
	err := newReply([]byte(answer("<value><string>ten</string></value>"))).result(func(r *reply) { r.number() })
	if err == nil || !strings.Contains(err.Error(), `"ten"`) {
		t.Errorf("number of ten: error %v, want one that quotes it", err)
	}
}

// infoValue is a process info as Python's daemon writes it.
func infoValue(n int) string {
	var b strings.Builder
	b.WriteString("<value><struct>\n")
	member := func(name, value string) {
		fmt.Fprintf(&b, "<member>\n<name>%s</name>\n<value>%s</value>\n</member>\n", name, value)
	}
	for _, name := range []string{"name", "group", "statename", "description", "logfile", "stdout_logfile", "stderr_logfile", "spawnerr"} {
		member(name, fmt.Sprintf("<string>%s of %d</string>", name, n))
	}
	for i, name := range []string{"start", "stop", "now", "state", "exitstatus", "pid"} {
		member(name, fmt.Sprintf("<int>%d</int>", n+i))
	}
	member("unknown", "<struct><member><name>a</name><value><boolean>1</boolean></value></member></struct>")
	b.WriteString("</struct></value>\n")
	return b.String()
}

func infos(n int) string {
	var b strings.Builder
	b.WriteString("<value><array><data>\n")
	for i := range n {
		b.WriteString(infoValue(i))
	}
	b.WriteString("</data></array></value>\n")
	return answer(b.String())
}

func TestReplyProcessInfos(t *testing.T) {
	var got []ProcessInfo
	err := newReply([]byte(infos(3))).result(func(r *reply) {
		r.list(func() { got = append(got, r.processInfo()) })
	})
	want := ProcessInfo{
		Name: "name of 2", Group: "group of 2", StateName: "statename of 2", Description: "description of 2",
		LogFile: "logfile of 2", StdoutLogFile: "stdout_logfile of 2", StderrLogFile: "stderr_logfile of 2",
		SpawnErr: "spawnerr of 2", Start: 2, Stop: 3, Now: 4, State: 5, ExitStatus: 6, PID: 7,
	}
	if err != nil || len(got) != 3 || !reflect.DeepEqual(got[2], want) {
		t.Errorf("process infos = %+v, %v, want three, the last %+v", got, err, want)
	}
}

// FuzzReply looks for documents that do not end or that kolo/xmlrpc reads as
// another text.
func FuzzReply(f *testing.F) {
	f.Add([]byte(infos(1)))
	f.Add([]byte(answer("<value><string>a &lt; b</string></value>")))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = newReply(data).result(func(r *reply) { r.list(func() { r.processInfo() }) })
		var got, want string
		if newReply(data).result(func(r *reply) { got = r.text() }) != nil {
			return
		}
		// kolo trims untyped texts and cuts texts with CDATA or comments.
		if strings.Contains(string(data), "<!") || !strings.Contains(string(data), "<value><string>") {
			return
		}
		if xmlrpc.Response(data).Unmarshal(&want) == nil && want != got {
			t.Errorf("text of %q = %q, kolo/xmlrpc reads %q", data, got, want)
		}
	})
}

func BenchmarkAllProcessInfo(b *testing.B) {
	data := []byte(infos(1000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		n := 0
		err := newReply(data).result(func(r *reply) {
			r.list(func() { r.processInfo(); n++ })
		})
		if err != nil || n != 1000 {
			b.Fatalf("%d processes, %v", n, err)
		}
	}
}
