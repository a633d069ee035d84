// Package mainlog writes the daemon's own log: it decides how a line looks,
// which lines are wanted, and in which order they reach the file, the terminal
// or syslog. It never delays who logs: lines wait in a bounded queue for one
// goroutine that writes them, and lines that find no room are counted and told
// of in the log itself. Rotation and recovery are childlog's.
package mainlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/childlog"
)

// The levels, with the reference's numbers.
const (
	Critical = 50
	Error    = 40
	Warn     = 30
	Info     = 20
	Debug    = 10
	Trace    = 5
	Blather  = 3
)

// Syslog as Options.Path sends the log to the local syslog daemon.
const Syslog = "syslog"

const (
	// maxLines and maxBytes bound what waits to be written.
	maxLines = 20000
	maxBytes = 16 << 20
	// patience is how long Close and Clear wait for a log that cannot keep up.
	patience = 5 * time.Second
)

// Options say where the log goes and what it takes.
type Options struct {
	// Path is the log file, or Syslog. Empty for none.
	Path string
	// MaxBytes and Backups are as in childlog.FileOptions.
	MaxBytes int64
	Backups  int
	// Level is the lowest level that is logged; Info when 0.
	Level int
	// Echo also receives each line, before the file; nil for no echo. A
	// terminal or pipe given as an *os.File cannot hold the log up.
	Echo io.Writer
	// Now is the clock for the lines' time stamps; time.Now when nil.
	Now func() time.Time
}

// Logger is the daemon's log. Its methods may be called from any goroutine,
// and none waits for a disk except Clear and Close, which give up after 5 s.
type Logger struct {
	path     string
	level    int
	now      func() time.Time
	patience time.Duration    // patience, but for tests
	file     *childlog.File   // nil for syslog
	syslog   *childlog.Syslog // nil for a file
	echo     *childlog.File
	echoTo   io.Writer

	mu     sync.Mutex
	queue  []entry
	bytes  int
	lost   int
	closed bool
	ready  chan struct{} // capacity 1: there is something in the queue
	done   chan struct{} // closed when the writer has ended
}

// entry is one thing for the writer to do: a line, or an action in its place
// among the lines.
type entry struct {
	line   []byte
	action func()
}

// Open opens the log. The error says why its file cannot be opened; after that
// a file that fails is childlog's to recover, and the log's to tell.
func Open(o Options) (*Logger, error) {
	l := newLogger(o)
	switch o.Path {
	case "":
	case Syslog:
		l.syslog = childlog.NewSyslog(childlog.SyslogOptions{Report: l.Log})
	default:
		l.file = childlog.OpenFile(childlog.FileOptions{
			Path: o.Path, MaxBytes: o.MaxBytes, Backups: o.Backups, Report: l.Log,
		})
		if err := l.file.Err(); err != nil {
			l.file.Close()
			return nil, fmt.Errorf("open log %q: %w", o.Path, err)
		}
	}
	l.openEcho(o.Echo)
	l.start()
	return l, nil
}

// newLogger returns a logger without targets or writer.
func newLogger(o Options) *Logger {
	l := &Logger{
		path:     o.Path,
		level:    o.Level,
		now:      o.Now,
		patience: patience,
		ready:    make(chan struct{}, 1),
		done:     make(chan struct{}),
	}
	if l.level == 0 {
		l.level = Info
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l
}

// start starts the writer. Close stops it.
func (l *Logger) start() { go l.write() }

// openEcho sees to it that an echo to a terminal that was stopped holds up
// neither the file nor the queue.
func (l *Logger) openEcho(w io.Writer) {
	if f, ok := w.(*os.File); ok {
		// Known to childlog as a descriptor of this process, whatever its name.
		echo := childlog.OpenFile(childlog.FileOptions{Path: fmt.Sprintf("/dev/fd/%d", f.Fd())})
		if echo.Err() == nil {
			l.echo = echo
			return
		}
		echo.Close()
	}
	l.echoTo = w
}

// Path returns Options.Path.
func (l *Logger) Path() string { return l.path }

// Enabled tells whether lines of the given level are logged.
func (l *Logger) Enabled(level int) bool { return level >= l.level }

// Log logs text at level, if that is enabled.
func (l *Logger) Log(level int, text string) {
	if l.Enabled(level) {
		l.enqueue(entry{line: l.format(level, text)})
	}
}

// Logf logs a text made by fmt.Sprintf.
func (l *Logger) Logf(level int, format string, args ...any) {
	if l.Enabled(level) {
		l.Log(level, fmt.Sprintf(format, args...))
	}
}

// stamp is the form of the time that begins each line, in local time.
const stamp = "2006-01-02 15:04:05,000"

// format makes the line of the reference: time, the level's name, the text.
func (l *Logger) format(level int, text string) []byte {
	line := make([]byte, 0, len(stamp)+len(" INFO ")+len(text)+1)
	line = l.now().Local().AppendFormat(line, stamp)
	line = append(line, ' ')
	line = append(line, levelName(level)...)
	line = append(line, ' ')
	line = append(line, text...)
	return append(line, '\n')
}

func levelName(level int) string {
	switch {
	case level >= Critical:
		return "CRIT"
	case level >= Error:
		return "ERRO"
	case level >= Warn:
		return "WARN"
	case level >= Info:
		return "INFO"
	case level >= Debug:
		return "DEBG"
	case level >= Trace:
		return "TRAC"
	}
	return "BLAT"
}

// enqueue hands e to the writer, and tells whether there was room for it.
func (l *Logger) enqueue(e entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return false
	case e.action == nil && (len(l.queue) >= maxLines || l.bytes+len(e.line) > maxBytes):
		l.lost++
		return false
	}
	l.queue = append(l.queue, e)
	l.bytes += len(e.line)
	select {
	case l.ready <- struct{}{}:
	default: // it knows already
	}
	return true
}

// write is the writer: it alone touches the log's targets.
func (l *Logger) write() {
	defer close(l.done)
	for range l.ready {
		l.mu.Lock()
		batch, lost, closed := l.queue, l.lost, l.closed
		l.queue, l.bytes, l.lost = nil, 0, 0
		l.mu.Unlock()
		for _, e := range batch {
			if e.action != nil {
				e.action()
			} else {
				l.emit(e.line)
			}
		}
		if lost > 0 {
			l.emit(l.format(Warn, fmt.Sprintf("%d lines lost: the log could not keep up", lost)))
		}
		if closed {
			l.release()
			return
		}
	}
}

// emit writes one line everywhere.
func (l *Logger) emit(line []byte) {
	switch {
	case l.echo != nil:
		l.echo.Write(line)
	case l.echoTo != nil:
		// An echo that fails has nowhere to be reported but the log itself,
		// which would grow with each of its lines.
		_, _ = l.echoTo.Write(line)
	}
	switch {
	case l.file != nil:
		l.file.Write(line)
	case l.syslog != nil:
		l.sendSyslog(line)
	}
}

// sendSyslog sends each line of a text as a message of its own, with the stamp
// and level of the first, as the reference does.
func (l *Logger) sendSyslog(line []byte) {
	const head = len(stamp) + len(" INFO ")
	text := strings.TrimRight(string(line[head:]), "\n")
	for one := range strings.SplitSeq(text, "\n") {
		l.syslog.Send(string(line[:head]) + one + "\n")
	}
}

// Reopen has the writer open the log's path anew, after the lines logged so far.
func (l *Logger) Reopen() {
	if l.file != nil {
		l.enqueue(entry{action: l.file.Reopen})
	}
}

// Clear deletes the log's file and starts a new one. See childlog.File.Clear.
func (l *Logger) Clear() error {
	if l.file == nil {
		return nil
	}
	result := make(chan error, 1)
	if !l.enqueue(entry{action: func() { result <- l.file.Clear() }}) {
		return errors.New("clear log: it is closed")
	}
	select {
	case err := <-result:
		return err
	case <-time.After(l.patience):
		return fmt.Errorf("clear log %q: it did not keep up for %v", l.path, l.patience)
	}
}

// Close writes what is queued, waiting 5 s at most, and closes the log. Lines
// logged later are dropped.
func (l *Logger) Close() {
	l.mu.Lock()
	closing := !l.closed
	l.closed = true
	l.mu.Unlock()
	if closing {
		select {
		case l.ready <- struct{}{}:
		default: // the writer has yet to look, and will see closed
		}
	}
	select {
	case <-l.done:
	case <-time.After(l.patience):
	}
}

// release closes the targets once they have taken everything.
func (l *Logger) release() {
	for _, f := range []*childlog.File{l.echo, l.file} {
		if f != nil {
			f.Flush(l.patience)
			f.Close()
		}
	}
	if l.syslog != nil {
		l.syslog.Close(l.patience)
	}
}
