// Package sdnotify tells the service manager that started this process how it
// fares, by systemd's notification protocol (man page sd_notify(3)).
//
// It decides how a message is written and when it is given up. It never
// decides what is true: whoever calls Alive must be what the manager watches.
package sdnotify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The variables by which a service manager says where and how often it wants
// to hear. They are meant for one process alone.
const (
	socketVariable       = "NOTIFY_SOCKET"
	watchdogVariable     = "WATCHDOG_USEC"
	watchdogUserVariable = "WATCHDOG_PID"
)

// restingEvery is the time between two signs of life where the manager has no
// watchdog: they then serve only to ask for more time to stop.
const restingEvery = 10 * time.Second

// moreTime is what a sign of life asks for while the process stops. It is
// several times the longest pause between two signs of life.
const moreTime = time.Minute

const (
	// queueLen is the number of messages that may wait for a busy manager.
	queueLen = 16
	// patience is how long one message waits for a manager that does not
	// read.
	patience = time.Second
)

// Notifier talks to the service manager. Its methods, but for Close, return at
// once; one goroutine at a time may call them.
type Notifier struct {
	addr     *net.UnixAddr
	every    time.Duration
	stopping bool

	queue chan string
	sent  sync.WaitGroup
}

// Adopt takes what the service manager has put into the environment out of it,
// so that no child believes it to be meant for itself. It returns nil where
// there is no manager, or one that listens at neither a path nor an abstract
// name. Close ends what Adopt has begun.
func Adopt() *Notifier {
	socket, usec, user := os.Getenv(socketVariable), os.Getenv(watchdogVariable), os.Getenv(watchdogUserVariable)
	for _, name := range []string{socketVariable, watchdogVariable, watchdogUserVariable} {
		_ = os.Unsetenv(name) // fails for malformed names only
	}
	if !strings.HasPrefix(socket, "/") && !strings.HasPrefix(socket, "@") {
		return nil
	}
	n := &Notifier{
		addr:  &net.UnixAddr{Name: socket, Net: "unixgram"}, // net knows of @
		every: pause(usec, user),
		queue: make(chan string, queueLen),
	}
	n.sent.Go(n.deliver) // ended by Close
	return n
}

// pause returns the time between two signs of life: half of what the watchdog
// allows, where it is meant for this process.
func pause(usec, user string) time.Duration {
	limit, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || limit <= 0 || user != "" && user != strconv.Itoa(os.Getpid()) {
		return restingEvery
	}
	return min(time.Duration(limit)*time.Microsecond/2, restingEvery)
}

// Every returns how often Alive is to be called.
func (n *Notifier) Every() time.Duration { return n.every }

// Ready says that the process does what it was started for, for the first time
// or again after Reloading.
func (n *Notifier) Ready() { n.send("READY=1\nSTATUS=Running") }

// Reloading says that the process reads its configuration again; Ready ends
// that.
func (n *Notifier) Reloading() {
	n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d\nSTATUS=Restarting: stopping the programs", monotonic()/1000))
}

// Stopping says that the process is about to end, and lets each Alive that
// follows ask for the time to do so.
func (n *Notifier) Stopping() {
	n.stopping = true
	n.send("STOPPING=1\nSTATUS=Stopping the programs")
}

// Alive is the sign of life that a watchdog waits for.
func (n *Notifier) Alive() {
	text := "WATCHDOG=1"
	if n.stopping {
		text += fmt.Sprintf("\nEXTEND_TIMEOUT_USEC=%d", moreTime.Microseconds())
	}
	n.send(text)
}

// Close waits until the messages have been sent or given up, which takes a
// second for each at most. Nothing may be said afterwards.
func (n *Notifier) Close() {
	close(n.queue)
	n.sent.Wait()
}

// send queues a message. One that finds the queue full is dropped: the manager
// has not listened for many seconds.
func (n *Notifier) send(text string) {
	select {
	case n.queue <- text:
	default:
	}
}

// deliver sends what is queued. Each message opens the socket anew, as the
// manager's end is another one after it has been upgraded. There is nobody to
// tell of an error: a manager that misses a message acts on that itself.
func (n *Notifier) deliver() {
	for text := range n.queue {
		conn, err := net.DialUnix("unixgram", nil, n.addr)
		if err != nil {
			continue
		}
		_ = conn.SetWriteDeadline(time.Now().Add(patience)) // fails on closed sockets only
		_, _ = conn.Write([]byte(text))
		_ = conn.Close() // a datagram is sent or it is not
	}
}
