package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/footprint"
	"github.com/vigilance-go/vigilance/internal/sdnotify"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/rpc"
	"github.com/vigilance-go/vigilance/supervisor/web"
)

// session is one supervisord process from its start to its end, through all
// of its restarts.
type session struct {
	line    *commandLine
	file    string   // the configuration file, as it was given or found
	starter *starter // nil in the foreground
	collect func()   // ends the rest of the garbage collector
	signals chan os.Signal
	sockets rpc.Sockets        // of the HTTP servers, kept through restarts
	manager supervisor.Manager // nil where no service manager listens
	// refused is why the last restart went on with the old configuration.
	refused error
}

// asRoot is the reference's warning about a daemon that keeps root's rights.
const asRoot = "Supervisor is running as root.  Privileges were not dropped because no user is " +
	"specified in the config file.  If you intend to run as root, you can set user=root in the " +
	"config file to avoid this message."

// load reads the configuration and lets the command line's values stand over
// it. Errors are usage errors.
func (s *session) load() (*config.Config, error) {
	cfg, err := config.Load(s.file, s.line.load)
	if err != nil {
		return nil, cmdline.Usagef("%s", explain(err))
	}
	if err := rpc.CheckPasswords(cfg.Servers, cfg.Users); err != nil {
		return nil, cmdline.Usagef("%v", err) // before anything that runs is stopped for it
	}
	s.line.override(&cfg.Supervisord)
	if _, err := s.uid(cfg); err != nil {
		return nil, err
	}
	return cfg, nil
}

// explain returns the text of an error in the configuration, with the place
// of the value at fault where the reference's text does not name the option.
func explain(err error) string {
	var fault *config.Error
	if errors.As(err, &fault) && fault.Key != "" && !strings.Contains(fault.Text, fault.Key) {
		return fmt.Sprintf("%s (%s)", fault.Text, fault.Location())
	}
	return err.Error()
}

// uid returns the user that the daemon is to become, or -1 for none. The
// error is a usage error.
func (s *session) uid(cfg *config.Config) (int, error) {
	if cfg.Supervisord.User == nil {
		return -1, nil
	}
	uid, err := s.line.load.ParseUser(*cfg.Supervisord.User)
	if err != nil {
		return 0, cmdline.Usagef("%v", err)
	}
	return uid, nil
}

// run supervises cfg, and what it becomes by restarts, until a shutdown.
// Errors are those of the first start; a later configuration that cannot be
// started gives way to the one before it.
func (s *session) run(ctx context.Context, cfg *config.Config) error {
	defer s.sockets.Close()
	if n := sdnotify.Adopt(); n != nil {
		s.manager = n
		defer n.Close()
	}
	outcome, err := s.supervise(ctx, cfg, true)
	for err == nil && outcome == supervisor.OutcomeRestart {
		var next *config.Config
		if next, s.refused = s.load(); s.refused == nil {
			if outcome, s.refused = s.supervise(ctx, next, false); s.refused == nil {
				cfg = next
				continue
			}
		}
		outcome, err = s.supervise(ctx, cfg, false)
	}
	return err
}

// supervise makes one daemon of cfg and runs it. What can fail for reasons
// that the user can mend comes before the daemon lets go of the terminal, and
// each step in the reference's order, which shows in the log.
func (s *session) supervise(ctx context.Context, cfg *config.Config, first bool) (supervisor.Outcome, error) {
	said := remarks{slices.Clone(cfg.Criticals), slices.Clone(cfg.Warnings), slices.Clone(cfg.Infos)}
	if err := s.settle(cfg, first, &said); err != nil {
		return 0, err
	}
	log, err := openLog(&cfg.Supervisord, said)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	if s.refused != nil {
		log.Logf(mainlog.Critical, "restarted with the configuration as it was: %v", s.refused)
		s.refused = nil
	}
	limitMemory(cfg)
	state, err := s.claim(cfg, log)
	if err != nil {
		return 0, err
	}
	defer state.release()
	if !cfg.Supervisord.NoCleanup {
		cleanChildLogs(log, &cfg.Supervisord)
	}
	d, err := supervisor.New(supervisor.Options{
		Config:    cfg,
		Log:       log,
		ServerURL: cfg.ServerURL(),
		Reload:    s.load,
		Journal:   state.journal,
		Leftovers: state.found,
		Manager:   s.manager,
		Rest:      footprint.Trim,
	})
	if err != nil {
		return 0, cmdline.Usagef("%v", err)
	}
	audit, err := access.OpenAudit(&cfg.Supervisord)
	if err != nil {
		return 0, cmdline.Usagef("%v", err)
	}
	defer audit.Close()
	servers, err := s.serve(d, log, audit, cfg)
	if err != nil {
		return 0, cmdline.Usagef("%v", err)
	}
	defer servers.Close()
	time.AfterFunc(collectorRest, s.collect)
	caught := s.catchSignals(d, log, audit)
	defer caught.end()
	if s.starter != nil && first {
		detach(log, &cfg.Supervisord)
	}
	pidFile := cfg.Supervisord.PIDFile
	if err := writePIDFile(pidFile); err != nil {
		log.Logf(mainlog.Critical, "could not write pidfile %s", pidFile)
	} else {
		log.Logf(mainlog.Info, "supervisord started with pid %d", os.Getpid())
		defer func() { _ = os.Remove(pidFile) }() // someone may have done so
	}
	if s.starter != nil && first {
		s.starter.started()
	}
	outcome, err := d.Run(ctx)
	state.nothingRuns = err == nil
	if caught.end() && outcome == supervisor.OutcomeRestart {
		// The request to exit came when Run did not listen any more.
		outcome = supervisor.OutcomeShutdown
	}
	return outcome, err
}

// serve starts the HTTP servers. Their errors still reach the terminal.
func (s *session) serve(d *supervisor.Daemon, log *mainlog.Logger, audit *access.Audit, cfg *config.Config) (*rpc.Servers, error) {
	if err := s.sockets.Open(cfg.Servers); err != nil {
		return nil, err
	}
	return rpc.Serve(&s.sockets, rpc.Options{
		Daemon: d, Log: log, Servers: cfg.Servers, Users: cfg.Users, Audit: audit,
		Web: web.New(web.Options{Daemon: d, Log: log, Audit: audit}),
	})
}

// remarks are what the first lines of the log say.
type remarks struct{ criticals, warnings, infos []string }

// settle gives the process its user and its limits, and adds to said what the
// reference logs about that.
func (s *session) settle(cfg *config.Config, first bool, said *remarks) error {
	uid, err := s.uid(cfg)
	switch {
	case err != nil:
		return err
	case uid >= 0:
		if err := osproc.DropPrivileges(uid); err != nil {
			return cmdline.Usagef("%v", err)
		}
		said.infos = append(said.infos, fmt.Sprintf("Set uid to user %d succeeded", uid))
	case os.Getuid() == 0:
		said.criticals = append(said.criticals, asRoot)
	}
	if !first {
		return nil
	}
	for _, l := range []struct {
		limit osproc.Limit
		least int
	}{{osproc.LimitNoFile, cfg.Supervisord.MinFDs}, {osproc.LimitNProc, cfg.Supervisord.MinProcs}} {
		note, err := osproc.EnsureLimit(l.limit, l.least)
		if err != nil {
			return cmdline.Usagef("%v", err)
		}
		if note != "" {
			said.infos = append(said.infos, note)
		}
	}
	osproc.ReserveThreads(spareThreads)
	return nil
}

// spareThreads is how many system calls may block at once, on a slow disk say,
// while the system refuses new threads.
const spareThreads = 16

// openLog opens the daemon's log and begins it with said.
func openLog(sd *config.Supervisord, said remarks) (*mainlog.Logger, error) {
	o := mainlog.Options{
		Path:     sd.LogFile,
		MaxBytes: sd.LogFileMaxBytes,
		Backups:  sd.LogFileBackups,
		Level:    int(sd.LogLevel),
	}
	if sd.NoDaemon && !sd.Silent {
		o.Echo = os.Stdout
	}
	log, err := mainlog.Open(o)
	if err != nil {
		return nil, cmdline.Usagef("%v", err)
	}
	for _, text := range said.criticals {
		log.Log(mainlog.Critical, text)
	}
	for _, text := range said.warnings {
		log.Log(mainlog.Warn, text)
	}
	for _, text := range said.infos {
		log.Log(mainlog.Info, text)
	}
	return log, nil
}

// cleanChildLogs removes the automatic logs of the run before.
func cleanChildLogs(log *mainlog.Logger, sd *config.Supervisord) {
	failed, err := childlog.CleanAuto(sd.ChildLogDir, sd.Identifier)
	if err != nil {
		log.Log(mainlog.Warn, "Could not clear childlog dir")
	}
	for _, path := range failed {
		log.Logf(mainlog.Warn, "Failed to clean up %s", config.PyRepr(path))
	}
}

// detach makes the process a daemon for good: it has its own session already,
// and gets its directory, /dev/null as its standard streams, and its umask.
func detach(log *mainlog.Logger, sd *config.Supervisord) {
	log.Log(mainlog.Info, "daemonizing the supervisord process")
	if dir := sd.Directory; dir != "" {
		if err := os.Chdir(dir); err != nil {
			log.Logf(mainlog.Critical, "can't chdir into %s: %s", config.PyRepr(dir), osErrorText(err, dir))
		} else {
			log.Logf(mainlog.Info, "set current directory: %s", config.PyRepr(dir))
		}
	}
	if err := letGoOfTerminal(); err != nil {
		log.Logf(mainlog.Critical, "can't let go of the terminal: %v", err)
	}
	syscall.Umask(sd.Umask)
}

// osErrorText words an error of the system as Python prints an OSError.
func osErrorText(err error, path string) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error() // the C library's, but for its first letter
	return fmt.Sprintf("[Errno %d] %s%s: %s", int(errno), strings.ToUpper(text[:1]), text[1:], config.PyRepr(path))
}

// absolute lets later reads of the configuration find the file even when the
// daemon has changed its directory.
func (s *session) absolute() {
	if abs, err := filepath.Abs(s.file); err == nil {
		s.file = abs
	}
}
