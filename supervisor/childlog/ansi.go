package childlog

import "bytes"

// escapeEnds are the bytes that end an escape sequence for the reference's
// strip_ansi.
const escapeEnds = "HfABCDRsuJKhlpm"

// stripper removes terminal escape sequences: from ESC [ up to and including
// one of escapeEnds. It remembers where it is between two calls, so that a
// sequence is removed also when two reads from the pipe cut it in two.
type stripper struct {
	inside bool // a sequence has begun and not ended
	esc    bool // the last byte was an ESC, which was held back
	out    []byte
}

// strip returns what of p is not part of a sequence. The result is valid until
// the next call, and may be p itself.
func (s *stripper) strip(p []byte) []byte {
	if !s.inside && !s.esc && bytes.IndexByte(p, 0x1b) < 0 {
		return p
	}
	s.out = reuse(s.out, len(p))
	if s.esc && len(p) > 0 {
		s.esc = false
		if p[0] == '[' {
			s.inside = true
			p = p[1:]
		} else {
			s.out = append(s.out, 0x1b)
		}
	}
	for len(p) > 0 {
		if s.inside {
			end := bytes.IndexAny(p, escapeEnds)
			if end < 0 {
				return s.out
			}
			s.inside = false
			p = p[end+1:]
			continue
		}
		begin := bytes.Index(p, []byte("\x1b["))
		if begin < 0 {
			break
		}
		s.out = append(s.out, p[:begin]...)
		s.inside = true
		p = p[begin+2:]
	}
	if n := len(p); n > 0 && p[n-1] == 0x1b {
		s.esc = true
		p = p[:n-1]
	}
	s.out = append(s.out, p...)
	return s.out
}

// flush returns an ESC that was held back, and forgets an open sequence.
func (s *stripper) flush() []byte {
	held := s.esc
	s.inside, s.esc = false, false
	if held {
		return []byte{0x1b}
	}
	return nil
}
