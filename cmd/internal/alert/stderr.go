package alert

import (
	"io"
	"log/slog"
	"sync"
)

// Stderr is a tool's standard error, where superlance's own texts and log
// lines meet. Some of the texts have no line end; a log line begins on a new
// line all the same. It may be used by several goroutines.
type Stderr struct {
	mu      sync.Mutex
	w       io.Writer
	midLine bool
}

// NewStderr returns a Stderr that writes to w.
func NewStderr(w io.Writer) *Stderr { return &Stderr{w: w} }

// Text writes a text of superlance's, to the byte.
func (s *Stderr) Text(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.w, text) // nobody is left to tell
	if text != "" {
		s.midLine = text[len(text)-1] != '\n'
	}
}

// Write writes whole lines.
func (s *Stderr) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.midLine {
		_, _ = io.WriteString(s.w, "\n")
	}
	s.midLine = false
	return s.w.Write(lines)
}

// Logger returns a logger that writes lines of key=value.
func (s *Stderr) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }
