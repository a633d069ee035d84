package xmlrpc

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// calls are what clients send, and what it means.
var calls = []struct {
	name, body string
	want       Call
}{
	{"as Python's xmlrpc.client writes it", "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n<params>\n" +
		"<param>\n<value><string>a:b</string></value>\n</param>\n<param>\n<value><boolean>1</boolean></value>\n</param>\n</params>\n</methodCall>\n",
		Call{"supervisor.startProcess", []any{"a:b", true}}},
	{"as kolo/xmlrpc writes it", `<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>m</methodName><params><param><value><int>1</int></value></param></params></methodCall>`,
		Call{"m", []any{int64(1)}}},
	{"no header, no params", "<methodCall><methodName>m</methodName></methodCall>", Call{Method: "m"}},
	{"empty params", "<methodCall><methodName>m</methodName><params/></methodCall>", Call{Method: "m"}},
	{"params before the name", "<methodCall><params><param><value>x</value></param></params><methodName>m</methodName></methodCall>",
		Call{"m", []any{"x"}}},
	{"no name", "<methodCall></methodCall>", Call{}},
	{"white space everywhere", "\n <?xml version='1.0'?>\n <methodCall >\n <methodName>\n m\n </methodName>\n <params>\n <param>\n <value>\n <int>\n 5\n </int>\n </value>\n </param>\n </params>\n </methodCall>\n \n",
		Call{"m", []any{int64(5)}}},
	{"comments", "<!-- a --><methodCall><!-- b --><methodName>m<!-- c -->n</methodName></methodCall><!-- d -->", Call{Method: "mn"}},
	{"foreign elements", "<methodCall><x><methodName>no</methodName></x><methodName>m</methodName><y/></methodCall>", Call{Method: "m"}},
	{"an encoding that it is not", `<?xml version="1.0" encoding="iso-8859-1"?><methodCall><methodName>m</methodName><params><param><value>é</value></param></params></methodCall>`,
		Call{"m", []any{"é"}}},
	{"a namespace", `<methodCall xmlns:ex="urn:x"><methodName>m</methodName><params><param><value><ex:nil/></value></param></params></methodCall>`,
		Call{"m", []any{nil}}},
}

func TestParseCallReadsWhatClientsSend(t *testing.T) {
	for _, tt := range calls {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCall(strings.NewReader(tt.body))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ParseCall(%q) = %#v, %v; want %#v", tt.body, got, err, tt.want)
			}
		})
	}
}

func TestParseCallReadsValues(t *testing.T) {
	tests := []struct {
		xml  string
		want any
	}{
		{"", ""},
		{" a b ", " a b "},
		{"<string></string>", ""},
		{"<string/>", ""},
		{"<string> a </string>", " a "},
		{"<string>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</string>", `<>&"'AB`},
		{"<string><![CDATA[<a>&amp;]]></string>", "<a>&amp;"},
		{"<string>a\r\nb</string>", "a\nb"},
		{"<int>-7</int>", int64(-7)},
		{"<i4>+7</i4>", int64(7)},
		{"<i8>4294967296</i8>", int64(4294967296)},
		{"<boolean>1</boolean>", true},
		{"<boolean> 1 </boolean>", true},
		{"<boolean>0</boolean>", false},
		{"<boolean>true</boolean>", false},
		{"<double>-1.5e3</double>", -1500.0},
		{"<base64>aMOk\nw7Y=</base64>", "häö"},
		{"<dateTime.iso8601>20261122T07:46:00</dateTime.iso8601>", time.Date(2026, 11, 22, 7, 46, 0, 0, time.UTC)},
		{"<nil/>", nil},
		{"<nil></nil>", nil},
		{"<array><data></data></array>", []any{}},
		{"<array><data><value>a</value><value><int>1</int></value></data></array>", []any{"a", int64(1)}},
		{"<array><data><value><array><data/></array></value></data></array>", []any{[]any{}}},
		{"<struct></struct>", map[string]any{}},
		{"<struct><member><name>a</name><value>b</value></member>\n<member>\n<value><int>1</int></value><name/></member></struct>",
			map[string]any{"a": "b", "": int64(1)}},
		{"<struct><member><name>a</name><value>b</value></member><member><name>a</name><value>c</value></member></struct>",
			map[string]any{"a": "c"}},
		{"<foreign>text</foreign>", "text"},
		{"<int>1</int><int>2</int>", int64(1)},
	}
	for _, tt := range tests {
		body := "<methodCall><methodName>m</methodName><params><param><value>" + tt.xml + "</value></param></params></methodCall>"
		got, err := ParseCall(strings.NewReader(body))
		if err != nil || !reflect.DeepEqual(got.Params, []any{tt.want}) {
			t.Errorf("the value %q: got %#v, %v; want %#v", tt.xml, got.Params, err, tt.want)
		}
	}
}

// nonsense is what must be refused.
var nonsense = []struct{ name, body string }{
	{"nothing", ""},
	{"white space", " \n"},
	{"no XML", "hello"},
	{"JSON", `{"method":"m"}`},
	{"cut short", "<methodCall><methodName>m</methodName>"},
	{"another root", "<methodResponse><methodName>m</methodName></methodResponse>"},
	{"crossed tags", "<methodCall><methodName>m</methodCall></methodName>"},
	{"two documents", "<methodCall/><methodCall/>"},
	{"text behind", "<methodCall/>x"},
	{"not UTF-8", "<methodCall><methodName>\xff</methodName></methodCall>"},
	{"a control character", "<methodCall><methodName>\x01</methodName></methodCall>"},
	{"a control character by number", "<methodCall><methodName>&#1;</methodName></methodCall>"},
	{"an entity of nobody", "<methodCall><methodName>&x;</methodName></methodCall>"},
	{"a document type", `<!DOCTYPE methodCall><methodCall><methodName>m</methodName></methodCall>`},
	{"an own entity", `<!DOCTYPE m [<!ENTITY x "y">]><methodCall><methodName>&x;</methodName></methodCall>`},
	{"a param without value", "<methodCall><params><param/></params></methodCall>"},
	{"a param with two values", "<methodCall><params><param><value/><value/></param></params></methodCall>"},
	{"no int", value("<int>x</int>")},
	{"an empty int", value("<int/>")},
	{"a great int", value("<int>9223372036854775808</int>")},
	{"no double", value("<double>1,5</double>")},
	{"no date", value("<dateTime.iso8601>yesterday</dateTime.iso8601>")},
	{"no base64", value("<base64>a</base64>")},
	{"base64 of no text", value("<base64>/w==</base64>")},
	{"an element in a string", value("<string>a<b/></string>")},
	{"an array without data", value("<array><value/></array>")},
	{"a member without name", value("<struct><member><value/></member></struct>")},
	{"a member without value", value("<struct><member><name>a</name></member></struct>")},
	{"a member with two values", value("<struct><member><name>a</name><value/><value/></member></struct>")},
}

func value(xml string) string {
	return "<methodCall><methodName>m</methodName><params><param><value>" + xml + "</value></param></params></methodCall>"
}

func TestParseCallRefusesNonsense(t *testing.T) {
	for _, tt := range nonsense {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := ParseCall(strings.NewReader(tt.body)); err == nil {
				t.Errorf("ParseCall(%q) = %#v, want an error", tt.body, got)
			}
		})
	}
}

func TestParseCallIsBounded(t *testing.T) {
	nested := func(n int) string {
		return value(strings.Repeat("<array><data><value>", n) + strings.Repeat("</value></data></array>", n))
	}
	if _, err := ParseCall(strings.NewReader(nested(30))); err != nil {
		t.Errorf("30 arrays: got %v, want no error", err)
	}
	for _, body := range []string{
		nested(40), nested(100000),
		"<methodCall>" + strings.Repeat("<x>", 1<<20),
	} {
		if _, err := ParseCall(strings.NewReader(body)); !errors.Is(err, ErrDepth) {
			t.Errorf("%.60q...: got %v, want %v", body, err, ErrDepth)
		}
	}
	doctype := `<!DOCTYPE x><methodCall/>`
	if _, err := ParseCall(strings.NewReader(doctype)); !errors.Is(err, ErrDoctype) {
		t.Errorf("%q: got %v, want %v", doctype, err, ErrDoctype)
	}
}
