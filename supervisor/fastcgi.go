package supervisor

import (
	"fmt"
	"os"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// sharedSocket is the listening socket of an [fcgi-program:x]. It is there
// while a process of the group lives or is being born.
//
// The loop counts its users and closes it; the spawner, which may have to look
// up a host, makes it. They take turns: there is a user before the spawner is
// asked, and none when the loop closes.
type sharedSocket struct {
	spec  osproc.SocketSpec
	users int
	file  *os.File // nil while it is closed
}

// newSharedSocket finds out whether the socket can be made, so that a wrong
// configuration is refused when it is read and not when a program starts.
func newSharedSocket(d *Daemon, c *config.FastCGISocket) (*sharedSocket, error) {
	s := &sharedSocket{spec: osproc.SocketSpec{
		Network: c.Network, Host: c.Host, Port: c.Port,
		Path: c.Path, UID: c.UID, GID: c.GID, Mode: c.Mode, Backlog: c.Backlog,
	}}
	if _, err := s.open(d); err != nil {
		return nil, fmt.Errorf("Could not create FastCGI socket %s: %w", s.spec, err) //nolint:staticcheck // Supervisor's words
	}
	s.close(d)
	return s, nil
}

// open returns the socket, and makes it first when it is closed.
func (s *sharedSocket) open(d *Daemon) (*os.File, error) {
	if s.file != nil {
		return s.file, nil
	}
	d.log.Logf(levelInfo, "Creating socket %s", s.spec)
	var err error
	s.file, err = s.spec.Listen()
	return s.file, err
}

// endRun tells the machine how a life of p, or the attempt at one, ended, and
// gives up its share in the socket. Like the reference, the last user closes
// it even when its successor is about to open it again: that mends a unix
// socket whose file is gone. The spawner has not been sent the successor yet.
func (d *Daemon) endRun(p *proc, how process.Event) {
	s := p.group.socket
	if s == nil {
		d.step(p, how)
		return
	}
	last := s.users == 1
	d.step(p, how)
	s.users--
	if last && s.file != nil {
		s.close(d)
	}
}

func (s *sharedSocket) close(d *Daemon) {
	d.log.Logf(levelInfo, "Closing socket %s", s.spec)
	_ = s.file.Close() // a listening socket has nothing left to lose
	s.file = nil
}
