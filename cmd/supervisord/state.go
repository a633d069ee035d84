package main

import (
	"errors"
	"fmt"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/leftovers"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// stateSuffix, behind the pidfile's name, makes that of the state file.
const stateSuffix = ".state"

// state is what one supervisord tells the next about its processes.
type state struct {
	journal *leftovers.Journal
	found   []leftovers.Found
	// nothingRuns is set once everything was stopped in good order.
	nothingRuns bool
}

// claim makes sure that no other supervisord runs on the pidfile, and finds
// what one that was killed has left running. A file that cannot be used is
// told in the log, and everything else goes on without it. The error is a
// usage error.
func (s *session) claim(cfg *config.Config, log *mainlog.Logger) (*state, error) {
	pidFile := cfg.Supervisord.PIDFile
	path := pidFile + stateSuffix
	journal, found, damaged, err := leftovers.Claim(path)
	if held, ok := errors.AsType[*leftovers.HeldError](err); ok {
		return nil, s.refuse(cfg, held.PID)
	}
	if err != nil {
		log.Logf(mainlog.Warn, "what runs will not be known to the next supervisord, if this one is killed: %v", err)
	}
	if pid := leftovers.Holder(pidFile, cfg.Supervisord.LogFile); pid != 0 {
		journal.Close(len(found) == 0)
		return nil, s.refuse(cfg, pid)
	}
	if damaged > 0 {
		log.Logf(mainlog.Warn, "%d lines of %s are damaged: processes that they told of are not found", damaged, path)
	}
	journal.Report = func(text string) { log.Log(mainlog.Warn, text) }
	return &state{journal: journal, found: found}, nil
}

// refuse returns the error of a start beside another supervisord: the
// reference's words where that has a socket which this one wants.
func (s *session) refuse(cfg *config.Config, pid int) error {
	if err := s.sockets.Open(cfg.Servers); err != nil {
		return cmdline.Usagef("%v", err)
	}
	other := "Another supervisord"
	if pid != 0 {
		other += fmt.Sprintf(" (pid %d)", pid)
	}
	return cmdline.Usagef("%s is running with pidfile %s.  Shut it down first before starting supervisord.",
		other, cfg.Supervisord.PIDFile)
}

// release gives the file to whoever comes next.
func (st *state) release() { st.journal.Close(st.nothingRuns) }
