package rpc

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"
)

const (
	// freeFailures is how many wrong passwords a client may give at full
	// speed: people mistype.
	freeFailures = 5
	// firstPause is the time between two checks after that; it doubles with
	// each failure up to longestPause.
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
	// longestWait is how long a request waits for its check; one that would
	// have to wait longer is refused unchecked.
	longestWait = 3 * time.Second
	// forgetAfter is the time without a failure after which a client is like
	// new.
	forgetAfter = 5 * time.Minute
	// maxClients bounds the clients that are remembered.
	maxClients = 4096
	// manyFailures in one second, from wherever they come, make each client
	// that failed before wait as if it had failed more often.
	manyFailures = 20
	// maxWaiting bounds the requests that wait for their check.
	maxWaiting = 128
)

// errThrottled says that too many passwords are waiting to be checked.
var errThrottled = errors.New("check the password: too many wrong ones before it")

// throttle spaces out the checks of passwords, per client address and in all.
// A client that has not failed lately never waits; nor does a credential that
// memory holds, which is why a guesser behind the same proxy cannot lock out
// the one who knows the password.
type throttle struct {
	now func() time.Time

	mu      sync.Mutex
	clients map[string]*suspect
	waiting int
	second  time.Time // the beginning of the second that failures counts
	recent  int       // failures in that second, in all
}

// suspect is a client that has given wrong passwords.
type suspect struct {
	failures int
	last     time.Time
	next     time.Time // of the next check that is not taken yet
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, clients: make(map[string]*suspect)}
}

// wait returns when the client's password may be checked. The error is ctx's,
// or errThrottled.
func (t *throttle) wait(ctx context.Context, client string) error {
	pause, err := t.reserve(client)
	if err != nil || pause <= 0 {
		return err
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	defer t.leave()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *throttle) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting--
}

// reserve takes the client's next turn and returns how far away it is. Who
// gets a positive pause counts as waiting until leave.
func (t *throttle) reserve(client string) (time.Duration, error) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.clients[client]
	if s == nil {
		return 0, nil
	}
	if now.Sub(s.last) > forgetAfter {
		delete(t.clients, client)
		return 0, nil
	}
	failures := s.failures
	if t.second.Equal(now.Truncate(time.Second)) && t.recent > manyFailures {
		failures += freeFailures
	}
	if failures <= freeFailures {
		return 0, nil
	}
	at := now
	if s.next.After(now) {
		at = s.next
	}
	pause := at.Sub(now)
	if pause > longestWait || pause > 0 && t.waiting >= maxWaiting {
		return 0, errThrottled
	}
	s.next = at.Add(pauseAfter(failures))
	if pause > 0 {
		t.waiting++
	}
	return pause, nil
}

// suspects tells whether the client has used up its free failures.
func (t *throttle) suspects(client string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.clients[client]
	return s != nil && s.failures > freeFailures && t.now().Sub(s.last) < firstPause
}

// pauseAfter is the time between two checks of a client that has failed so
// often.
func pauseAfter(failures int) time.Duration {
	doublings := min(failures-freeFailures-1, 10)
	return min(firstPause<<max(doublings, 0), longestPause)
}

// failed notes a wrong password.
func (t *throttle) failed(client string) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if second := now.Truncate(time.Second); !second.Equal(t.second) {
		t.second, t.recent = second, 0
	}
	t.recent++
	s := t.clients[client]
	if s == nil {
		if len(t.clients) >= maxClients {
			t.makeRoom(now)
		}
		s = &suspect{}
		t.clients[client] = s
	}
	s.failures++
	s.last = now
	if s.failures > freeFailures {
		if next := now.Add(pauseAfter(s.failures)); next.After(s.next) {
			s.next = next
		}
	}
}

// makeRoom forgets an eighth of the clients, so that it need not be done for
// each that comes: those whose time is over, then those with failures to spare,
// then any.
func (t *throttle) makeRoom(now time.Time) {
	for _, expendable := range []func(*suspect) bool{
		func(s *suspect) bool { return now.Sub(s.last) > forgetAfter },
		func(s *suspect) bool { return s.failures <= freeFailures },
		func(*suspect) bool { return true },
	} {
		for client, s := range t.clients {
			if len(t.clients) <= maxClients*7/8 {
				return
			}
			if expendable(s) {
				delete(t.clients, client)
			}
		}
	}
}

// succeeded forgets the client's failures.
func (t *throttle) succeeded(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.clients, client)
}

// clientKey is by what a client is known: its IPv4 address, its IPv6 network
// (whoever has one address has 2^64 of them), or for a unix socket the name
// that stands for all who may open it.
func clientKey(remote string) string {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "unix"
	}
	ip := addr.Addr().Unmap()
	if ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}
