package childlog

import "bytes"

// The tokens between which a child's output is an event instead of log text
// (Supervisor manual, "Events", "PROCESS_COMMUNICATION").
const (
	beginToken = "<!--XSUPERVISOR:BEGIN-->"
	endToken   = "<!--XSUPERVISOR:END-->"
)

// StreamOptions say what becomes of the bytes of one channel of one process.
type StreamOptions struct {
	// Log receives the bytes; nil for no file. The stream does not close it.
	Log *File
	// Syslog is called for each line; nil for no syslog. See Syslog.Program.
	Syslog func(line string)
	// StripANSI removes terminal escape sequences from all that is logged,
	// captured or told.
	StripANSI bool
	// CaptureMaxBytes is the size, in bytes, that the captured text between the
	// tokens is kept to; 0 for no capture mode, where tokens mean nothing.
	CaptureMaxBytes int64
	// OnLog is told of the bytes as they are logged, or captured; nil where
	// nobody wants to know. The slice is valid only during the call.
	OnLog func(data []byte)
	// OnCapture receives each captured text, the payload of a
	// PROCESS_COMMUNICATION event. The slice is the callee's to keep.
	OnCapture func(data []byte)
}

// Stream sorts the bytes of one channel. Its methods are for one goroutine,
// the one that reads the channel's pipe.
type Stream struct {
	o         StreamOptions
	capturing bool
	held      []byte // what may be the beginning of a token
	joined    []byte // held and the bytes after it, kept for reuse
	captured  captureBuffer
	strip     stripper
}

// NewStream returns a stream with the given options.
func NewStream(o StreamOptions) *Stream {
	return &Stream{o: o, captured: captureBuffer{max: o.CaptureMaxBytes}}
}

// Bulk tells whether it does not matter into which pieces the bytes of the
// stream are cut, nor to a millisecond when they come: they are logged, and
// nobody is told of them.
func (s *Stream) Bulk() bool { return s.o.CaptureMaxBytes <= 0 && s.o.OnLog == nil }

// Write takes the next bytes of the channel.
func (s *Stream) Write(p []byte) {
	if s.o.CaptureMaxBytes <= 0 {
		s.emit(p)
		return
	}
	if len(s.held) > 0 {
		s.joined = append(append(reuse(s.joined, len(p)), s.held...), p...)
		p = s.joined
		s.held = s.held[:0]
	}
	for {
		token := s.token()
		before, after, found := bytes.Cut(p, token)
		if !found {
			break
		}
		s.emit(before)
		s.toggle()
		p = after
	}
	keep := prefixAtEnd(p, s.token())
	s.emit(p[:len(p)-keep])
	s.held = append(s.held[:0], p[len(p)-keep:]...)
}

// Close takes the end of the channel's output: what was held back because it
// might have been the beginning of a token is logged. A captured text without
// its end is no event and is dropped, as the reference drops it.
func (s *Stream) Close() {
	if len(s.held) > 0 && !s.capturing {
		s.emit(s.held)
	}
	s.held = nil
	s.flushStrip()
}

func (s *Stream) token() []byte {
	if s.capturing {
		return []byte(endToken)
	}
	return []byte(beginToken)
}

func (s *Stream) toggle() {
	s.flushStrip()
	s.capturing = !s.capturing
	if s.capturing {
		return
	}
	data := s.captured.take()
	if s.o.OnCapture != nil {
		s.o.OnCapture(data)
	}
}

// emit logs or captures data, without its escape sequences if so wished.
func (s *Stream) emit(data []byte) {
	if s.o.StripANSI {
		data = s.strip.strip(data)
	}
	s.record(data)
}

// flushStrip ends an escape sequence that the output left open: sequences do
// not reach across tokens.
func (s *Stream) flushStrip() {
	if s.o.StripANSI {
		s.record(s.strip.flush())
	}
}

func (s *Stream) record(data []byte) {
	if len(data) == 0 {
		return
	}
	if s.capturing {
		s.captured.write(data)
	} else {
		if s.o.Log != nil {
			s.o.Log.Write(data)
		}
		if s.o.Syslog != nil {
			for line := range bytes.SplitSeq(bytes.TrimRight(data, "\n"), []byte("\n")) {
				s.o.Syslog(string(line))
			}
		}
	}
	if s.o.OnLog != nil {
		s.o.OnLog(data)
	}
}

// reuse returns buf emptied, or nothing when it is far larger than the size it
// is wanted for: one burst should not cost each of many streams its memory for
// ever.
func reuse(buf []byte, size int) []byte {
	if cap(buf) > 4096+8*size {
		return nil
	}
	return buf[:0]
}

// prefixAtEnd returns the length of the longest proper prefix of token that p
// ends with.
func prefixAtEnd(p, token []byte) int {
	for n := min(len(token)-1, len(p)); n > 0; n-- {
		if bytes.HasSuffix(p, token[:n]) {
			return n
		}
	}
	return 0
}

// captureBuffer keeps about the last max bytes of what is written to it. As in
// the reference, it makes room for a piece by dropping that piece's length from
// its front, and a piece longer than max is kept whole: programs rely on
// messages that are longer than capture_maxbytes and still arrive.
type captureBuffer struct {
	max int64 // bytes
	buf []byte
}

func (c *captureBuffer) write(p []byte) {
	if int64(len(c.buf)+len(p)) > c.max {
		drop := min(len(p), len(c.buf))
		c.buf = c.buf[:copy(c.buf, c.buf[drop:])]
	}
	c.buf = append(c.buf, p...)
}

// take returns the text, never nil, and starts anew.
func (c *captureBuffer) take() []byte {
	buf := c.buf
	c.buf = nil
	if buf == nil {
		buf = []byte{}
	}
	return buf
}
