package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/rpc"
)

// check reads the configuration as start does, and prints what the daemon would
// do with it. It opens no socket or log, starts nothing and writes no file. Its
// errors are those of a start.
func check(prog string, line *commandLine, out io.Writer) error {
	s := &session{line: line}
	line.load.Cwd, _ = os.Getwd() // as in start
	line.load.TempDir = tempDir()
	var err error
	if s.file, err = configFile(prog, line, os.Stderr); err != nil {
		return err
	}
	cfg, err := s.load()
	if err != nil {
		return err
	}
	for _, server := range cfg.Servers {
		if err := rpc.CheckServer(server); err != nil {
			return cmdline.Usagef("%v", err)
		}
	}
	p := newPlan(cfg)
	p.Warnings = append(p.Warnings, s.misgivings(cfg)...)
	if line.json == nil {
		_, err = io.WriteString(out, p.text())
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(p)
}

// misgivings says what a start would not fail for, but what can hardly be
// meant.
func (s *session) misgivings(cfg *config.Config) []string {
	found := slices.Concat(cfg.Criticals, cfg.Warnings)
	unread, err := config.Unread(s.file, s.line.load)
	if err != nil {
		found = append(found, err.Error())
	}
	for _, place := range unread {
		found = append(found, place+" has no meaning and is passed over")
	}
	if cfg.Supervisord.User == nil && os.Getuid() == 0 {
		found = append(found, asRoot)
	}
	if len(cfg.Servers) > 0 && len(cfg.RPCInterfaces) == 0 {
		found = append(found, "there is no section [rpcinterface:supervisor], so supervisorctl and the web page cannot work")
	}
	for _, group := range cfg.Groups {
		for _, program := range group.Programs {
			for _, text := range doubts(program) {
				found = append(found, fmt.Sprintf("%s (%s:%s)", text, group.Name, program.Name))
			}
		}
	}
	return found
}

// doubts says why a program could not be started now.
func doubts(p *config.Program) []string {
	var found []string
	if err := supervisor.CheckCommand(p); err != nil {
		found = append(found, err.Error())
	}
	if p.Directory != "" {
		if info, err := os.Stat(p.Directory); err != nil || !info.IsDir() {
			found = append(found, fmt.Sprintf("directory %s is none", config.PyRepr(p.Directory)))
		}
	}
	if uid := os.Getuid(); p.UID != nil && uid != 0 && *p.UID != uid {
		found = append(found, fmt.Sprintf("only root can run it as user %s", userName(*p.UID)))
	}
	return found
}

// tempDir is where package config would find that a file can be made, found
// without making one.
func tempDir() string {
	places := []string{os.Getenv("TMPDIR"), os.Getenv("TEMP"), os.Getenv("TMP"), "/tmp", "/var/tmp", "/usr/tmp"}
	for _, dir := range places {
		if dir != "" && unix.Access(dir, unix.W_OK|unix.X_OK) == nil {
			return dir
		}
	}
	return "."
}

// inStartOrder returns a group's processes as a start takes them.
func inStartOrder(programs []*config.Program) []*config.Program {
	ordered := slices.Clone(programs)
	slices.SortStableFunc(ordered, func(a, b *config.Program) int { return cmp.Compare(a.Priority, b.Priority) })
	return ordered
}
