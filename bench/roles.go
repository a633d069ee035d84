package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// roleVar makes this program play a supervised one; its value is the role and
// the role's arguments, all joined by colons.
const roleVar = "BENCH_ROLE"

// playRole is the other side of the measures that need a program or listener
// of a certain kind.
func playRole(role string) int {
	kind, arg, _ := strings.Cut(role, ":")
	first, second, _ := strings.Cut(arg, ":")
	switch kind {
	case "listener":
		return playListener(first, second)
	case "writer":
		return playWriter(first, second)
	case "sendmail":
		return playSendmail(arg)
	}
	return 2
}

// playing are the lines of a section that make this program play a role.
func playing(role ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return fmt.Sprintf("command=%s\nenvironment=%s=\"%s\"\n", self, roleVar, strings.Join(role, ":")), nil
}

// ears is the section of a listener that notes what it hears, and when, and
// takes its time over each event.
func ears(delay time.Duration, events string) (string, error) {
	lines, err := playing("listener", delay.String(), "%(here)s/"+heardName)
	return "[eventlistener:ears]\n" + lines + "events=" + events + "\nstartsecs=0\nstderr_logfile=NONE\nstdout_logfile=NONE\n", err
}

// heardName is the file, beside the configuration, that the listener writes.
const heardName = "heard"

// heard is an event that a listener was told.
type heard struct {
	at    time.Time
	pid   int // of the process that it is about, if it says
	bytes int // behind the first line of the payload
}

// playListener appends a line to a file for each event. The file appears when
// it is READY for the first.
func playListener(delay, path string) int {
	pause, err := time.ParseDuration(delay)
	if err != nil {
		return 2
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 1
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	for {
		_, _ = os.Stdout.WriteString("READY\n") // a daemon that is gone ends stdin as well
		header, err := in.ReadString('\n')
		if err != nil {
			return 0
		}
		at := time.Now()
		_, length, _ := strings.Cut(header, " len:")
		n, err := strconv.Atoi(strings.TrimSpace(length))
		if err != nil {
			return 1
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(in, payload); err != nil {
			return 1
		}
		time.Sleep(pause) // the work that an event makes
		about, rest, _ := bytes.Cut(payload, []byte{'\n'})
		_, pid, _ := strings.Cut(string(about)+" ", " pid:")
		pid, _, _ = strings.Cut(pid+" ", " ")
		if _, err := fmt.Fprintf(f, "%d %d %s\n", at.UnixNano(), len(rest), pid); err != nil {
			return 1
		}
		_, _ = os.Stdout.WriteString("RESULT 2\nOK")
	}
}

// heard returns what the listener has heard so far. It reads on where it
// stopped the last time, so as not to take much from what is measured.
func (r *running) heard() []heard {
	f, err := os.Open(filepath.Join(r.dir, heardName))
	if err != nil {
		return nil // it has not begun
	}
	defer func() { _ = f.Close() }() // only read
	news, _ := io.ReadAll(io.NewSectionReader(f, r.heardBytes, 1<<40))
	for {
		line, rest, whole := bytes.Cut(news, []byte{'\n'})
		if !whole {
			return r.told
		}
		r.heardBytes += int64(len(news) - len(rest))
		news = rest
		words := append(strings.Fields(string(line)), "", "", "") // not all events are about a process
		nanos, _ := strconv.ParseInt(words[0], 10, 64)
		size, _ := strconv.Atoi(words[1])
		pid, _ := strconv.Atoi(words[2])
		r.told = append(r.told, heard{time.Unix(0, nanos), pid, size})
	}
}

// waitListener returns when the listener has said READY.
func (r *running) waitListener() error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := os.Stat(filepath.Join(r.dir, heardName)); err == nil {
			<-time.After(200 * time.Millisecond) // for READY to arrive
			return nil
		}
		<-time.After(time.Millisecond)
	}
	return notWithin{r.name + " starts a listener", patience}
}

// waitHeard waits until the listener has heard of n events, or nothing more
// for so long.
func (r *running) waitHeard(n int, quiet time.Duration) []heard {
	size, last := int64(-1), time.Now()
	for {
		if fi, err := os.Stat(filepath.Join(r.dir, heardName)); err == nil && fi.Size() != size {
			size, last = fi.Size(), time.Now()
			if all := r.heard(); len(all) >= n {
				return all
			}
		}
		if time.Since(last) > quiet {
			return r.heard()
		}
		<-time.After(50 * time.Millisecond)
	}
}

// lineLen is the length, with its end, of the lines that are written.
const lineLen = 100

// playWriter writes lines until it has written so many MB, either a block of
// them or one at a time.
func playWriter(megabytes, manner string) int {
	mb, err := strconv.Atoi(megabytes)
	if err != nil {
		return 2
	}
	block := append(bytes.Repeat([]byte{'x'}, lineLen-1), '\n')
	if manner == "blocks" {
		block = bytes.Repeat(block, (64<<10)/lineLen)
	}
	for left := mb << 20; left > 0; left -= len(block) {
		if _, err := os.Stdout.Write(block[:min(left, len(block))]); err != nil {
			return 1
		}
	}
	return 0
}

// playSendmail hands a mail on stdin to the measure, which listens at a socket.
func playSendmail(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 1
	}
	if _, err := io.Copy(conn, os.Stdin); err != nil || conn.Close() != nil {
		return 1
	}
	return 0
}
