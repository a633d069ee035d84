package xmlrpc

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"sync"
)

// ParseCall reads a call. It is as tolerant as Python's supervisord: there may
// be no XML header, no params, no type around a string, unknown elements
// beside the known ones, and white space everywhere. Like there, the text is
// taken for UTF-8 whatever its header says. The error says what is not
// well-formed or not XML-RPC, or is ErrDepth or ErrDoctype.
//
// It reads no further than to the first thing that is wrong.
func ParseCall(body io.Reader) (Call, error) {
	in := readers.Get().(*bufio.Reader)
	in.Reset(body)
	defer func() {
		in.Reset(nil)
		readers.Put(in)
	}()
	p := parser{dec: xml.NewDecoder(in)}
	p.dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	call, err := p.document()
	if err != nil {
		return Call{}, fmt.Errorf("parse XML-RPC call: %w", err)
	}
	return call, nil
}

// readers are what calls are read through: the decoder would make one for each.
var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// parser walks through the elements of a call.
type parser struct {
	dec   *xml.Decoder
	depth int
	text  []byte // what next has met before the token that it returned
}

// document reads everything: the call, and nothing behind it.
func (p *parser) document() (Call, error) {
	var call Call
	name, err := p.next()
	switch {
	case err != nil:
		return call, err
	case name != "methodCall":
		return call, fmt.Errorf("find methodCall: got <%s>", name)
	}
	if err := p.methodCall(&call); err != nil {
		return call, err
	}
	switch name, err := p.next(); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return call, err
	default:
		return call, fmt.Errorf("end after methodCall: got <%s>", name)
	}
	if len(bytes.TrimSpace(p.text)) > 0 {
		return call, errors.New("end after methodCall: got text")
	}
	return call, nil
}

// next goes on to the next element and returns its name, or an empty name at
// the end of the element around it. The text in between is in p.text.
func (p *parser) next() (string, error) {
	p.text = p.text[:0]
	for {
		token, err := p.dec.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if p.depth++; p.depth > MaxDepth {
				return "", ErrDepth
			}
			return t.Name.Local, nil
		case xml.EndElement:
			p.depth--
			return "", nil
		case xml.CharData:
			p.text = append(p.text, t...)
		case xml.Directive:
			return "", ErrDoctype
		case xml.Comment, xml.ProcInst:
		}
	}
}

// skip reads the rest of an element whose content does not matter.
func (p *parser) skip() error {
	for outer := p.depth - 1; p.depth > outer; {
		if _, err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// content reads the rest of an element that holds nothing but text.
func (p *parser) content(name string) (string, error) {
	child, err := p.next()
	if err != nil {
		return "", err
	}
	if child != "" {
		return "", fmt.Errorf("read text of <%s>: got <%s>", name, child)
	}
	return string(p.text), nil
}

// children calls each for every child of the element around that has one of
// the given names, and skips the others.
func (p *parser) children(names string, each func() error) error {
	for {
		name, err := p.next()
		switch {
		case err != nil:
			return err
		case name == "":
			return nil
		case name == names:
			err = each()
		default:
			err = p.skip()
		}
		if err != nil {
			return err
		}
	}
}

// methodCall reads the content of the outermost element.
func (p *parser) methodCall(call *Call) error {
	for {
		name, err := p.next()
		switch {
		case err != nil:
			return err
		case name == "":
			return nil
		case name == "methodName":
			var text string
			if text, err = p.content(name); err == nil {
				call.Method = string(bytes.TrimSpace([]byte(text)))
			}
		case name == "params":
			call.Params = nil
			err = p.children("param", func() error {
				v, err := p.only("param")
				call.Params = append(call.Params, v)
				return err
			})
		default:
			err = p.skip()
		}
		if err != nil {
			return err
		}
	}
}

// only reads the rest of an element that holds one value.
func (p *parser) only(parent string) (v any, err error) {
	found := false
	err = p.children("value", func() error {
		if found {
			return fmt.Errorf("read <%s>: got more than one value", parent)
		}
		found = true
		v, err = p.value()
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("read <%s>: got no value", parent)
	}
	return v, err
}
