package rpc

import (
	"encoding/binary"
	"errors"
	"syscall"
	"unsafe"

	sys "golang.org/x/sys/unix"
)

// askPeer asks who has opened the other end of a unix socket; nil where that
// cannot be known.
func askPeer(fd int) *peer {
	cred, err := sys.GetsockoptUcred(fd, sys.SOL_SOCKET, sys.SO_PEERCRED)
	if err != nil {
		return nil
	}
	groups, err := peerGroups(fd)
	if err != nil {
		return nil
	}
	return &peer{uid: int(cred.Uid), pid: int(cred.Pid), gids: append(groups, int(cred.Gid))}
}

// peerGroups returns the supplementary groups that the process had when it
// opened the socket. A kernel before 4.13 does not tell: there are none.
func peerGroups(fd int) ([]int, error) {
	const most = 65536 // NGROUPS_MAX of Linux
	for room := 32; room <= most; room *= 8 {
		buf := make([]byte, 4*room)
		size := uint32(len(buf)) //nolint:gosec // it was made a few lines above
		_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), sys.SOL_SOCKET, sys.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0) //nolint:gosec // no package wraps this option of variable length
		switch {
		case errno == 0:
			var gids []int
			for part := buf[:size]; len(part) >= 4; part = part[4:] {
				gids = append(gids, int(binary.NativeEndian.Uint32(part)))
			}
			return gids, nil
		case errors.Is(errno, syscall.ENOPROTOOPT):
			return nil, nil
		case !errors.Is(errno, syscall.ERANGE):
			return nil, errno
		}
	}
	return nil, syscall.ERANGE
}
