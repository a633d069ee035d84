package xmlrpc

import (
	"strconv"
	"sync"
	"unicode/utf8"
)

// Answer is the text of one method response while it grows. Its bytes are
// those that Python's xmlrpc.client.dumps makes of the same values, except
// where those would not be XML: what XML cannot carry becomes U+FFFD.
//
// Values are appended in their order; the caller sees to it that there is one
// in all, and that each array, struct and member is closed.
type Answer struct {
	buf   []byte
	texts []longText // which belong between the bytes of buf, in their order
}

const (
	header = "<?xml version='1.0'?>\n<methodResponse>\n"
	footer = "</methodResponse>\n"

	// keep is the greatest buffer, in bytes, that is kept for the next answer.
	// A thousand process infos take 1.3 million. Where it is dropped, each
	// answer is grown anew, which for five thousand is a garbage collection.
	keep = 16 << 20
)

// answers and longAnswers hold Answers that were released. A short one must not
// take the memory of a long one: it may wait for its client for a long time.
var (
	answers     = sync.Pool{New: func() any { return &Answer{buf: make([]byte, 0, 4096)} }}
	longAnswers = sync.Pool{New: func() any { return new(Answer) }}
)

// NewAnswer returns an answer that has no value yet. It is expected to take so
// many bytes of memory.
func NewAnswer(size int64) *Answer {
	pool := &answers
	if size > ShortText {
		pool = &longAnswers
	}
	a := pool.Get().(*Answer)
	a.buf = append(a.buf[:0], header+"<params>\n<param>\n"...)
	return a
}

// Release gives the answer's memory back, and closes what it has not read. The
// answer must not be used afterwards.
func (a *Answer) Release() {
	a.Truncate(0)
	switch size := cap(a.buf); {
	case size <= ShortText:
		answers.Put(a)
	case size <= keep:
		longAnswers.Put(a)
	}
}

// End ends the answer.
func (a *Answer) End() { a.buf = append(a.buf, "</param>\n</params>\n"+footer...) }

// EndFault makes the answer this fault, instead of any values that were
// appended before, and ends it.
func (a *Answer) EndFault(code int, text string) {
	a.Truncate(0)
	a.buf = append(a.buf, header+"<fault>\n"...)
	a.Fault(code, text)
	a.buf = append(a.buf, "</fault>\n"+footer...)
}

// Fault appends a fault as a struct, as it stands inside a fault answer and
// among the results of system.multicall.
func (a *Answer) Fault(code int, text string) {
	a.BeginStruct()
	a.IntMember("faultCode", int64(code))
	a.StringMember("faultString", text)
	a.EndStruct()
}

// Len returns a mark for Truncate.
func (a *Answer) Len() int { return len(a.buf) }

// Truncate takes back everything that was appended after Len returned mark.
func (a *Answer) Truncate(mark int) {
	a.dropTexts(mark)
	a.buf = a.buf[:mark]
}

// Bool appends a boolean.
func (a *Answer) Bool(v bool) {
	text := "<value><boolean>0</boolean></value>\n"
	if v {
		text = "<value><boolean>1</boolean></value>\n"
	}
	a.buf = append(a.buf, text...)
}

// Int appends a number, capped by CapInt.
func (a *Answer) Int(n int64) {
	a.buf = append(a.buf, "<value><int>"...)
	a.buf = strconv.AppendInt(a.buf, CapInt(n), 10)
	a.buf = append(a.buf, "</int></value>\n"...)
}

// String appends a text.
func (a *Answer) String(s string) {
	a.buf = append(a.buf, "<value><string>"...)
	a.buf = appendEscaped(a.buf, s)
	a.buf = append(a.buf, "</string></value>\n"...)
}

// Data appends a text.
func (a *Answer) Data(data []byte) {
	a.buf = append(a.buf, "<value><string>"...)
	a.buf = appendEscaped(a.buf, data)
	a.buf = append(a.buf, "</string></value>\n"...)
}

// BeginArray opens an array, whose values follow until EndArray.
func (a *Answer) BeginArray() { a.buf = append(a.buf, "<value><array><data>\n"...) }

// EndArray closes an array.
func (a *Answer) EndArray() { a.buf = append(a.buf, "</data></array></value>\n"...) }

// Strings appends an array of texts.
func (a *Answer) Strings(texts []string) {
	a.BeginArray()
	for _, s := range texts {
		a.String(s)
	}
	a.EndArray()
}

// BeginStruct opens a struct, whose members follow until EndStruct.
func (a *Answer) BeginStruct() { a.buf = append(a.buf, "<value><struct>\n"...) }

// EndStruct closes a struct.
func (a *Answer) EndStruct() { a.buf = append(a.buf, "</struct></value>\n"...) }

// BeginMember opens a member, whose one value follows until EndMember. The
// name is written as it is.
func (a *Answer) BeginMember(name string) {
	a.buf = append(a.buf, "<member>\n<name>"...)
	a.buf = append(a.buf, name...)
	a.buf = append(a.buf, "</name>\n"...)
}

// EndMember closes a member.
func (a *Answer) EndMember() { a.buf = append(a.buf, "</member>\n"...) }

// BoolMember appends a member that is a boolean.
func (a *Answer) BoolMember(name string, v bool) {
	a.BeginMember(name)
	a.Bool(v)
	a.EndMember()
}

// IntMember appends a member that is a number, capped by CapInt.
func (a *Answer) IntMember(name string, n int64) {
	a.BeginMember(name)
	a.Int(n)
	a.EndMember()
}

// StringMember appends a member that is a text.
func (a *Answer) StringMember(name, s string) {
	a.BeginMember(name)
	a.String(s)
	a.EndMember()
}

// appendEscaped appends s as the text of an element.
func appendEscaped[T string | []byte](buf []byte, s T) []byte {
	done := 0 // s up to here is in buf
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plain[c] {
			i++
			continue
		}
		size, instead := replacement(s[i:])
		if instead != "" {
			buf = append(append(buf, s[done:i]...), instead...)
			done = i + size
		}
		i += size
	}
	return append(buf, s[done:]...)
}

// plain marks the ASCII characters that stand for themselves. It is only read.
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '<' && c != '>' && c != '&'
	}
	t['\t'], t['\n'], t['\r'] = true, true, true
	return t
}()

// replacement returns the length of the first character of s and what stands
// for it in XML; empty for the character itself.
func replacement[T string | []byte](s T) (size int, instead string) {
	const unfit = "\uFFFD"
	switch c := s[0]; {
	case c == '<':
		return 1, "&lt;"
	case c == '>':
		return 1, "&gt;"
	case c == '&':
		return 1, "&amp;"
	case c < utf8.RuneSelf:
		return 1, unfit
	}
	switch r, size := utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)])); {
	case r == utf8.RuneError && size == 1, r == '\uFFFE', r == '\uFFFF':
		return size, unfit
	default:
		return size, ""
	}
}
