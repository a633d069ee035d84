package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// catcher hands the signals that the process receives to one daemon.
type catcher struct {
	audit      *access.Audit
	stop, done chan struct{}
	exit       bool // a request to exit was among them; read after done
	ended      bool
}

// catchSignals begins to hand signals to d. Signals that arrive between two
// daemons wait for the second.
func (s *session) catchSignals(d *supervisor.Daemon, log *mainlog.Logger, audit *access.Audit) *catcher {
	if s.signals == nil {
		s.signals = make(chan os.Signal, 16)
		signal.Notify(s.signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR2)
	}
	c := &catcher{audit: audit, stop: make(chan struct{}), done: make(chan struct{})}
	go c.serve(s, d, log) // ended by end
	return c
}

func (c *catcher) serve(s *session, d *supervisor.Daemon, log *mainlog.Logger) {
	defer close(c.done)
	for {
		select {
		case sig := <-s.signals:
			c.pass(sig, s, d, log)
		case <-c.stop:
			return
		}
	}
}

// pass hands one signal on. A restart that would end in a configuration error
// does not begin: everything stays as it is.
func (c *catcher) pass(sig os.Signal, s *session, d *supervisor.Daemon, log *mainlog.Logger) {
	switch sig {
	case syscall.SIGHUP:
		if _, err := s.load(); err != nil {
			log.Log(mainlog.Warn, "received SIGHUP indicating restart request")
			log.Logf(mainlog.Critical, "not restarted, everything stays as it is: %v", err)
			return
		}
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		c.exit = true
	case syscall.SIGUSR2:
		c.audit.Reopen()
	}
	if number, ok := sig.(syscall.Signal); ok {
		d.Signal(number)
	}
}

// end stops the handing on and reports whether a request to exit was among the
// signals. It may be called again.
func (c *catcher) end() bool {
	if !c.ended {
		c.ended = true
		close(c.stop)
		<-c.done
	}
	return c.exit
}
