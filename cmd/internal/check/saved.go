package check

import (
	"bytes"
	"encoding/json"
	"log/slog"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
)

// Saved keeps a value in a file beside the spool, over a restart of the tool. A
// file that cannot be read, or written, is told, and nothing else: without it
// the tool works as one that was just installed. nil keeps nothing. It is used
// by one goroutine at a time.
type Saved struct {
	file alert.StateFile
	last []byte // what is in the file
	told bool   // that it cannot be written
	log  *slog.Logger
}

// Saved returns the value of that name.
func (o Options) Saved(name string, log *slog.Logger) *Saved {
	return &Saved{file: alert.NewStateFile(o.Spool, o.Env.GroupName, name+".json"), log: log}
}

// Load reads the value. Where there is none it stays as it is.
func (s *Saved) Load(into any) {
	if s == nil {
		return
	}
	data, err := s.file.Load()
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		s.log.Warn("cannot read what was remembered; beginning anew", "err", err)
	}
}

// Save writes the value where it has changed.
func (s *Saved) Save(value any) {
	if s == nil {
		return
	}
	data, err := json.Marshal(value)
	if err == nil && bytes.Equal(data, s.last) {
		return
	}
	if err == nil {
		err = s.file.Save(data)
	}
	if err != nil && !s.told {
		s.log.Warn("cannot remember restarts and failures on disk; they are forgotten when this process ends", "err", err)
	}
	s.told = err != nil
	if err == nil {
		s.last = data
	}
}
