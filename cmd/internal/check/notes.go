package check

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/vigilance-go/vigilance/notify/spool"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// notes are files that say which processes are being restarted, so that one that
// was stopped is started even if this tool is killed in between. The zero notes
// keep nothing.
type notes struct{ dir string }

const (
	// noteAge is how old a note may be: what was stopped for longer may be meant
	// to be.
	noteAge = 15 * time.Minute
	// notePoll is how often it is looked whether a process has stopped.
	notePoll = time.Second
)

// openNotes returns the notes of a tool, beside its spool; those that keep
// nothing where there can be none.
func openNotes(o Options) notes {
	dir := o.Spool
	if dir == "" {
		var err error
		if dir, err = spool.DefaultDir(); err != nil {
			return notes{}
		}
	}
	return notes{filepath.Join(spool.GroupDir(dir, o.Env.GroupName), "restarting")}
}

// add notes that a process is being restarted. A disk that does not take it
// keeps no process from being restarted.
func (n notes) add(namespec string) {
	if n.dir == "" {
		return
	}
	if err := os.MkdirAll(n.dir, 0o700); err == nil {
		_ = os.WriteFile(filepath.Join(n.dir, url.PathEscape(namespec)), nil, 0o600)
	}
}

// remove notes that it runs again, or that its start was tried.
func (n notes) remove(namespec string) {
	if n.dir != "" {
		_ = os.Remove(filepath.Join(n.dir, url.PathEscape(namespec))) // there may be none
	}
}

// left returns the processes whose restart was not finished, a short time ago.
func (n notes) left() []string {
	if n.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(n.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var names []string
	for _, entry := range entries {
		name, err := url.PathUnescape(entry.Name())
		info, infoErr := entry.Info()
		if err != nil || infoErr != nil || time.Since(info.ModTime()) > noteAge {
			_ = os.Remove(filepath.Join(n.dir, entry.Name())) // it says nothing any more
			continue
		}
		names = append(names, name)
	}
	return names
}

// resume starts a process that was stopped by a tool that could not start it.
func (r *Restarter) resume(ctx context.Context, namespec string) {
	for deadline := time.Now().Add(noteAge); time.Now().Before(deadline); {
		infos, err := Infos(ctx, r.daemon)
		for _, p := range infos {
			if namespec != Namespec(p) && namespec != p.Group+":"+p.Name {
				continue
			}
			switch p.State {
			case client.Stopping:
				err = errors.New("not stopped yet")
			case client.Stopped:
				r.log.Warn("a process was stopped to be restarted when this listener was ended; it is started now", "process", namespec)
				if err := r.Start(ctx, namespec); err != nil {
					r.log.Error("cannot start a process", "process", namespec, "err", err)
				}
				return
			}
		}
		if err == nil {
			r.notes.remove(namespec) // it runs, or is no more
			return
		}
		select {
		case <-time.After(notePoll):
		case <-ctx.Done():
			return
		}
	}
}
