package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// restart starts another oommon after the one that has ended.
func (s *scene) restart() {
	s.t.Helper()
	next, err := newOommon(s.t.Context(), s.oommon.options, alert.NewStderr(io.Discard))
	if err != nil {
		s.t.Fatal(err)
	}
	next.find = s.oommon.find
	s.oommon = next
	if err := next.openOwn(); err != nil {
		s.t.Fatal(err)
	}
	next.recall()
	s.looks = s.fake.Asked()
	s.Supervisor = listenertest.StartFunc(s.t, func(ctx context.Context, in io.Reader, out io.Writer) error {
		return next.station.Serve(ctx, next.handle, listener.WithStreams(in, out))
	})
}

// What is killed while there is no oommon is told by the next, once; what its
// file holds may be of another run of the kernel, or anything.
func TestKillsBetweenTwoOommonsAreTold(t *testing.T) {
	const foo = "The OOM killer has killed 2 processes of foo, in its cgroup /app/foo"
	for _, tt := range []struct {
		name  string
		group string
		kills int // as counted after the restart; 7 before
		file  string
		want  string // in the mail; empty for none
	}{
		{"in a cgroup of its own", "/app/foo", 9, "", foo},
		{"in the daemon's", "/app", 8, "", "The OOM killer has killed a process in cgroup /app"},
		{"none", "/app/foo", 7, "", ""},
		{"another cgroup of that name", "/app/foo", 3, "", ""},
		{"another run of the kernel", "/app/foo", 9, `{"boot":"x","groups":{}}`, ""},
		{"noise", "/app/foo", 9, `{"boot":`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, _, _ := newScene(t, false, tt.group, func(o *options) { o.alertOnly = true })
			file := filepath.Join(s.oommon.Spool, "thislistener", "kills.json")
			checktest.Until(t, "the file", func() bool { _, err := os.Stat(file); return err == nil })
			s.end()
			s.count(tt.group, tt.kills)
			if tt.file != "" {
				if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.restart()
			s.look()
			s.end()
			s.restart()
			s.look()
			mails := s.end()
			if tt.want == "" && len(mails) != 0 || tt.want != "" && (len(mails) != 1 || !strings.Contains(mails[0], tt.want)) {
				t.Errorf("mails = %q, want %q, once", mails, tt.want)
			}
		})
	}
}

func TestSentinelIsToldOnceThoughOommonIsKilled(t *testing.T) {
	file, spool := filepath.Join(t.TempDir(), "foo.oom"), t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", os.Getpid()))
	looks := func(tool *checktest.Listener, n int) {
		asked := fake.Asked()
		checktest.Until(t, "looks", func() bool { tool.Tick(); return fake.Asked() > asked+n }, tool.Stderr)
	}
	args := []string{"-a", "--sentinel", file, "-m", "a@b", "--alert-only", "--spool", spool}
	tool := checktest.Listen(t, fake, args...)
	looks(tool, 1)
	tool.KillAfterMail(1)
	next := checktest.Listen(t, fake, args...)
	looks(next, 3)
	if mails := next.End(); len(mails) != 0 {
		t.Errorf("mails of the next oommon = %q, want none", mails)
	}
}

// The mail is sent after the restart; when oommon is killed before that, the next
// one sends it, once.
func TestMailIsSentThoughOommonIsKilledDuringTheRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "foo.oom")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	foo := checktest.Process("foo", "foo", os.Getpid())
	mail := "To: a@b\nSubject: oommon: process foo has run out of memory\n\nfoo has left " + file +
		": it ran out of memory\noommon was ended before it knew what became of foo"
	checktest.KilledDuringRestart(t, "stopProcess foo", []client.ProcessInfo{foo}, []string{regexp.QuoteMeta(mail)},
		"-a", "--sentinel", file, "-m", "a@b")
}
