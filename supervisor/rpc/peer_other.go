//go:build !linux

package rpc

import sys "golang.org/x/sys/unix"

// askPeer asks who has opened the other end of a unix socket; nil where that
// cannot be known. The number of the process is not told by all systems.
func askPeer(fd int) *peer {
	const solLocal = 0 // SOL_LOCAL
	cred, err := sys.GetsockoptXucred(fd, solLocal, sys.LOCAL_PEERCRED)
	if err != nil {
		return nil
	}
	p := &peer{uid: int(cred.Uid)}
	for _, gid := range cred.Groups[:max(0, min(int(cred.Ngroups), len(cred.Groups)))] {
		p.gids = append(p.gids, int(gid))
	}
	return p
}
