package xmlrpc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// value reads the rest of a value element. Without a type it is a string, all
// white space included.
func (p *parser) value() (any, error) {
	kind, err := p.next()
	if err != nil {
		return nil, err
	}
	if kind == "" {
		return string(p.text), nil
	}
	v, err := p.typed(kind)
	if err != nil {
		return nil, err
	}
	// What else the value holds is ignored.
	return v, p.skip()
}

// typed reads the rest of the element that gives a value its type. A type that
// is not known leaves the text as it is.
func (p *parser) typed(kind string) (any, error) {
	switch kind {
	case "array":
		return p.array()
	case "struct":
		return p.structure()
	case "nil":
		return nil, p.skip()
	}
	text, err := p.content(kind)
	if err != nil {
		return nil, err
	}
	return scalar(kind, text)
}

// array reads the rest of an array.
func (p *parser) array() (any, error) {
	values := []any{}
	found := false
	err := p.children("data", func() error {
		found = true
		return p.children("value", func() error {
			v, err := p.value()
			values = append(values, v)
			return err
		})
	})
	if err == nil && !found {
		err = errors.New("read <array>: got no data")
	}
	return values, err
}

// structure reads the rest of a struct. Of two members of one name the last
// counts.
func (p *parser) structure() (any, error) {
	members := map[string]any{}
	err := p.children("member", func() error {
		name, v, err := p.member()
		members[name] = v
		return err
	})
	return members, err
}

// member reads the rest of a struct's member.
func (p *parser) member() (name string, v any, err error) {
	named, valued := false, false
	for {
		child, err := p.next()
		switch {
		case err != nil:
			return "", nil, err
		case child == "" && named && valued:
			return name, v, nil
		case child == "name" && !named:
			named = true
			name, err = p.content(child)
		case child == "value" && !valued:
			valued = true
			v, err = p.value()
		default:
			return "", nil, errors.New("read <member>: it wants one name and one value")
		}
		if err != nil {
			return "", nil, err
		}
	}
}

// scalar gives a text its type.
func scalar(kind, text string) (v any, err error) {
	switch kind {
	case "int", "i4", "i8":
		v, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	case "boolean":
		// Anything else is false to Python's supervisord.
		return strings.TrimSpace(text) == "1", nil
	case "double":
		v, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
	case "dateTime.iso8601":
		v, err = time.Parse("20060102T15:04:05", strings.TrimSpace(text))
	case "base64":
		v, err = decodeBase64(text)
	default:
		return text, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read <%s>: %w", kind, err)
	}
	return v, nil
}

// decodeBase64 decodes text, whose foreign characters are ignored. What comes
// out must be UTF-8.
func decodeBase64(text string) (string, error) {
	text = strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '+', r == '/', r == '=':
			return r
		}
		return -1
	}, text)
	data, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return "", err
	case !utf8.Valid(data):
		return "", errors.New("want UTF-8 after decoding")
	}
	return string(data), nil
}
