package spool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/vigilance-go/vigilance/notify"
)

// paceSize is the size of the file of a Pace, in bytes: it is written over by
// one write, which a kill cannot tear.
const paceSize = 512

// Pace is a file by which the processes that send to one service know what the
// others have sent. It implements notify.SharedPace.
type Pace struct {
	path string
	log  *slog.Logger
	told atomic.Bool // that it cannot be read or written
}

var _ notify.SharedPace = (*Pace)(nil)

// NewPace returns the Pace of a service in the folder dir, which all its
// processes name alike. The file is made when it is needed.
func NewPace(dir, service string, log *slog.Logger) *Pace {
	// No listener group's folder begins with a dot.
	return &Pace{path: filepath.Join(dir, ".pace-"+folderName(service)), log: log}
}

// Update implements notify.SharedPace. A file that cannot be read or written is
// logged once.
func (p *Pace) Update(change func(notify.PacerState) notify.PacerState) error {
	f, err := os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return p.tell(err)
	}
	defer func() { _ = f.Close() }() // and with it the lock
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return p.tell(fmt.Errorf("lock %q: %w", p.path, err))
	}
	text, err := io.ReadAll(io.LimitReader(f, paceSize))
	if err != nil {
		return p.tell(err)
	}
	var before notify.PacerState
	if err := json.Unmarshal(bytes.TrimSpace(text), &before); err != nil && len(text) > 0 {
		_ = p.tell(fmt.Errorf("read %q: %w", p.path, err))
		before = notify.PacerState{}
	}
	after := change(before)
	if after == before && len(text) > 0 {
		return nil
	}
	text, err = json.Marshal(after)
	if err == nil {
		_, err = f.WriteAt(append(bytes.Repeat([]byte(" "), max(paceSize-len(text), 0)), text...), 0)
	}
	if err != nil {
		_ = p.tell(err)
	}
	return nil
}

// tell logs what is wrong, once, and returns it.
func (p *Pace) tell(err error) error {
	if !p.told.Swap(true) {
		p.log.Warn("cannot share with other tools how much was sent; the service's limit is kept by each of them for itself", "err", err)
	}
	return err
}
