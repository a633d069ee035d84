package main

import (
	"context"
	"io"
	"reflect"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

func TestCommandLineStandsOverTheFile(t *testing.T) {
	text := func(s string) *string { return &s }
	file := config.Supervisord{
		LogFile: "/var/log/file.log", LogFileMaxBytes: 1, LogFileBackups: 2, LogLevel: config.LevelWarn,
		PIDFile: "/run/file.pid", Umask: 0o22, MinFDs: 3, MinProcs: 4, ChildLogDir: "/tmp",
		User: text("file"), Directory: "/", Identifier: "file",
	}
	tests := []struct {
		args []string
		want func(*config.Supervisord)
	}{
		{nil, func(*config.Supervisord) {}},
		{[]string{"-c", "x.conf"}, func(*config.Supervisord) {}},
		{[]string{"-n"}, func(s *config.Supervisord) { s.NoDaemon = true }},
		{[]string{"--nod"}, func(s *config.Supervisord) { s.NoDaemon = true }},
		{[]string{"-nskt"}, func(s *config.Supervisord) { s.NoDaemon, s.Silent, s.NoCleanup, s.StripANSI = true, true, true, true }},
		{[]string{"-uroot"}, func(s *config.Supervisord) { s.User = text("root") }},
		{[]string{"--user="}, func(s *config.Supervisord) { s.User = text("") }},
		{[]string{"-m027"}, func(s *config.Supervisord) { s.Umask = 0o27 }},
		{[]string{"--umask", "0o77"}, func(s *config.Supervisord) { s.Umask = 0o77 }},
		{[]string{"-d/usr"}, func(s *config.Supervisord) { s.Directory = "/usr" }},
		{[]string{"-l", "own.log"}, func(s *config.Supervisord) { s.LogFile = "/start/own.log" }},
		{[]string{"-l", "/usr/../own.log"}, func(s *config.Supervisord) { s.LogFile = "/own.log" }},
		{[]string{"-l", "syslog"}, func(s *config.Supervisord) { s.LogFile = "syslog" }},
		{[]string{"-l", "/dev/stdout"}, func(s *config.Supervisord) { s.LogFile = "/dev/stdout" }},
		{[]string{"-l", ""}, func(*config.Supervisord) {}},
		{[]string{"-y10kb", "-z", "0"}, func(s *config.Supervisord) { s.LogFileMaxBytes, s.LogFileBackups = 10240, 0 }},
		{[]string{"-e", "Blather"}, func(s *config.Supervisord) { s.LogLevel = config.LevelBlather }},
		{[]string{"-j", "own.pid"}, func(s *config.Supervisord) { s.PIDFile = "/start/own.pid" }},
		{[]string{"-j", ""}, func(*config.Supervisord) {}},
		{[]string{"-i", ""}, func(s *config.Supervisord) { s.Identifier = "" }},
		{[]string{"--identifier=own"}, func(s *config.Supervisord) { s.Identifier = "own" }},
		{[]string{"-q", "/usr"}, func(s *config.Supervisord) { s.ChildLogDir = "/usr" }},
		{[]string{"-a", "0", "--minprocs", "9"}, func(s *config.Supervisord) { s.MinFDs, s.MinProcs = 0, 9 }},
		{[]string{"--profile_options=cumulative,callers"}, func(*config.Supervisord) {}},
	}
	for _, tt := range tests {
		line := &commandLine{load: config.Options{Cwd: "/start"}}
		options := line.options()
		tool := cmdline.Tool{
			Flags:  flags(options),
			Option: func(o cmdline.Option) error { return take(options, o) },
			Run:    func(*cli.Context) error { return nil },
			Stdout: io.Discard, Stderr: io.Discard,
		}
		if status := tool.Main(context.Background(), tt.args); status != 0 {
			t.Errorf("supervisord %q: status %d, want 0", tt.args, status)
			continue
		}
		got, want := file, file
		line.override(&got)
		tt.want(&want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("supervisord %q: got %+v\nwant %+v", tt.args, got, want)
		}
	}
}
