package client

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// reply reads an XML-RPC methodResponse from front to back, without building
// a tree. It is more tolerant than XML: control characters that daemons send
// raw in log texts come through as they are. The first fault of the document
// is kept in err, and everything read after it is empty.
//
// encoding/xml takes 45 ms and half a million allocations for the infos of
// 1,000 processes, which is several times what all of "supervisorctl status"
// may take.
type reply struct {
	data []byte
	pos  int
	tok  token // not yet consumed
	err  error
}

type tokenKind int

const (
	tokenEnd   tokenKind = iota // of the document
	tokenText                   // with references resolved
	tokenOpen                   // <name>
	tokenClose                  // </name>
)

// token is one piece of the document; text is the name of a tag or the text.
type token struct {
	kind  tokenKind
	text  []byte
	empty bool // <name/>: the closing tag follows
}

func newReply(data []byte) *reply {
	r := &reply{data: data}
	r.advance()
	return r
}

func (r *reply) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("read the server's reply: "+format, args...)
	}
	r.tok = token{kind: tokenEnd}
}

// advance makes the next piece of the document the current token.
func (r *reply) advance() {
	if r.err != nil {
		return
	}
	if r.tok.empty {
		r.tok = token{kind: tokenClose, text: r.tok.text}
		return
	}
	for {
		rest := r.data[r.pos:]
		switch {
		case len(rest) == 0:
			r.tok = token{kind: tokenEnd}
			return
		case rest[0] != '<':
			end := bytes.IndexByte(rest, '<')
			if end < 0 {
				end = len(rest)
			}
			r.pos += end
			r.found(token{kind: tokenText, text: r.resolve(rest[:end])})
			return
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			text := r.until(len("<![CDATA["), "]]>")
			r.found(token{kind: tokenText, text: normalizeNewlines(text)})
			return
		case bytes.HasPrefix(rest, []byte("<!--")):
			r.until(len("<!--"), "-->")
		case bytes.HasPrefix(rest, []byte("<?")), bytes.HasPrefix(rest, []byte("<!")):
			r.until(len("<?"), ">")
		default:
			r.tag(r.until(1, ">"))
			return
		}
		if r.err != nil {
			return
		}
	}
}

// until consumes an opening of skip bytes, a text and its terminator, and
// returns the text.
func (r *reply) until(skip int, terminator string) []byte {
	rest := r.data[r.pos+skip:]
	end := bytes.Index(rest, []byte(terminator))
	if end < 0 {
		r.failf("%q at byte %d is not ended by %q", r.data[r.pos:r.pos+skip], r.pos, terminator)
		return nil
	}
	r.pos += skip + end + len(terminator)
	return rest[:end]
}

// tag makes a token of what stands between < and >.
func (r *reply) tag(text []byte) {
	t := token{kind: tokenOpen}
	if name, ok := bytes.CutPrefix(text, []byte("/")); ok {
		t.kind, text = tokenClose, name
	} else if name, ok := bytes.CutSuffix(text, []byte("/")); ok {
		t.empty, text = true, name
	}
	t.text = text
	for i, c := range text { // mostly short and without any
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			t.text = text[:i]
			break
		}
	}
	r.found(t)
}

// found makes t the current token, unless reading it has failed.
func (r *reply) found(t token) {
	if r.err == nil {
		r.tok = t
	}
}

// resolve replaces references and line ends by what they stand for.
func (r *reply) resolve(text []byte) []byte {
	text = normalizeNewlines(text)
	amp := bytes.IndexByte(text, '&')
	if amp < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for amp >= 0 {
		out = append(out, text[:amp]...)
		text = text[amp+1:]
		end := bytes.IndexByte(text, ';')
		c, ok := rune(0), false
		if end >= 0 {
			c, ok = referenced(string(text[:end]))
		}
		if !ok {
			r.failf("&%.12s is no reference", text)
			return nil
		}
		out = utf8.AppendRune(out, c)
		text = text[end+1:]
		amp = bytes.IndexByte(text, '&')
	}
	return append(out, text...)
}

// referenced returns the character that a reference stands for.
func referenced(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	number, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(number, "x"); isHex {
		number, base = hex, 16
	}
	n, err := strconv.ParseInt(number, base, 32)
	return rune(n), ok && err == nil && n >= 0
}

// normalizeNewlines is what XML says of line ends: CR LF and CR are LF.
func normalizeNewlines(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
}

// atTag skips white space, and says whether a tag of that kind and name
// follows.
func (r *reply) atTag(kind tokenKind, name string) bool {
	for r.tok.kind == tokenText && len(bytes.TrimSpace(r.tok.text)) == 0 {
		r.advance()
	}
	return r.tok.kind == kind && string(r.tok.text) == name
}

// open consumes <name>; a fault of the document when something else follows.
func (r *reply) open(name string) { r.want(tokenOpen, name) }

// close consumes </name>, as open does.
func (r *reply) close(name string) { r.want(tokenClose, name) }

func (r *reply) want(kind tokenKind, name string) {
	if !r.atTag(kind, name) {
		r.failf("near byte %d: %q, want the tag %q", r.pos, r.tok.text, name)
		return
	}
	r.advance()
}

// text reads a value that is not made of others, whatever its type.
func (r *reply) text() string {
	r.open("value")
	text := r.gather()
	if r.tok.kind == tokenOpen {
		name := string(r.tok.text)
		if name == "struct" || name == "array" {
			r.failf("near byte %d: a value of type %s, want a simple one", r.pos, name)
			return ""
		}
		r.advance()
		text = r.gather()
		r.close(name)
	}
	r.close("value")
	return text
}

// gather joins the texts up to the next tag.
func (r *reply) gather() string {
	if r.tok.kind != tokenText {
		return ""
	}
	text := string(r.tok.text)
	for r.advance(); r.tok.kind == tokenText; r.advance() {
		text += string(r.tok.text)
	}
	return text
}

// number reads an integer value.
func (r *reply) number() int {
	text := strings.TrimSpace(r.text())
	n, err := strconv.Atoi(text)
	if err != nil && r.err == nil {
		r.failf("%q, want an integer", text)
	}
	return n
}

// truth reads a boolean value.
func (r *reply) truth() bool { return r.number() != 0 }

// list reads an array; item is called before each of its values, to read it.
func (r *reply) list(item func()) {
	r.open("value")
	r.open("array")
	r.open("data")
	for r.atTag(tokenOpen, "value") {
		item()
	}
	r.close("data")
	r.close("array")
	r.close("value")
}

// record reads a struct; member is called before the value of each of its
// members, to read or skip it.
func (r *reply) record(member func(name string)) {
	r.open("value")
	r.open("struct")
	for r.atTag(tokenOpen, "member") {
		r.advance()
		r.open("name")
		name := r.gather()
		r.close("name")
		member(name)
		r.close("member")
	}
	r.close("struct")
	r.close("value")
}

// skip consumes a value of any kind.
func (r *reply) skip() {
	r.open("value")
	for depth := 1; depth > 0 && r.err == nil; r.advance() {
		switch r.tok.kind {
		case tokenOpen:
			depth++
		case tokenClose:
			depth--
		case tokenText:
		case tokenEnd:
			r.failf("a value is not ended")
		}
	}
}

// names reads an array of strings.
func (r *reply) names() []string {
	names := []string{}
	r.list(func() { names = append(names, r.text()) })
	return names
}

// result reads the document: decode reads its value, unless it is a fault.
func (r *reply) result(decode func(*reply)) error {
	r.open("methodResponse")
	if r.atTag(tokenOpen, "fault") {
		r.advance()
		fault := &Fault{}
		r.record(func(name string) {
			switch name {
			case "faultCode":
				fault.Code = r.number()
			case "faultString":
				fault.String = r.text()
			default:
				r.skip()
			}
		})
		if r.err != nil {
			return r.err
		}
		return fault
	}
	r.open("params")
	r.open("param")
	decode(r)
	r.close("param")
	r.close("params")
	return r.err
}
