package rpc

import (
	"context"
	"net"
	"syscall"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// peer is the process that has opened a unix socket, as the kernel tells it.
type peer struct {
	uid, pid int
	gids     []int // its group and its supplementary groups, then
}

type peerKey struct{}

// peerOf returns who opened the connection of a request; nil where the system
// does not tell.
func peerOf(ctx context.Context) *peer {
	p, _ := ctx.Value(peerKey{}).(*peer)
	return p
}

// withPeer returns a function for http.Server.ConnContext that asks who has
// opened a connection to the server.
func withPeer(server config.Server) func(context.Context, net.Conn) context.Context {
	if server.Kind != config.ServerUnix {
		return nil
	}
	return func(ctx context.Context, conn net.Conn) context.Context {
		if wrapped, ok := conn.(*gateConn); ok {
			conn = wrapped.Conn
		}
		raw, ok := conn.(syscall.Conn)
		if !ok {
			return ctx
		}
		control, err := raw.SyscallConn()
		if err != nil {
			return ctx
		}
		var p *peer
		if control.Control(func(fd uintptr) { p = askPeer(int(fd)) }) != nil || p == nil {
			return ctx
		}
		return context.WithValue(ctx, peerKey{}, p)
	}
}
