package peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
)

// The ports that FreePort chooses from: below those that systems give to
// clients, which would take one between the look and its use.
const (
	firstPort = 10000
	pastPorts = 32768
)

// FreePort returns a TCP port of the loopback interface that nobody listens on
// now. Tests that run at the same time are unlikely to be given the same.
func FreePort() (int, error) {
	for range 1000 {
		port := firstPort + rand.IntN(pastPorts-firstPort)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		switch {
		case err == nil:
			return port, listener.Close()
		case !errors.Is(err, syscall.EADDRINUSE):
			return 0, fmt.Errorf("find a free port: %w", err)
		}
	}
	return 0, errors.New("find a free port: a thousand are taken")
}
