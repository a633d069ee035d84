package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
)

// The output streams of a process, as indexes.
const (
	stdout = 0
	stderr = 1
)

// channelNames are the streams' names in events and log lines. They are only
// read.
var channelNames = [2]string{"stdout", "stderr"}

// flushPatience is how long a log that leads into a pipe may take for the last
// of the output. The process has ended by then, and nobody waits for it but a
// daemon that is about to end itself.
const flushPatience = 2 * time.Second

// output is one stream of one run: its pipe, and where its bytes go. Its
// reader goroutine writes the log; the loop hears of it by messages alone.
type output struct {
	run     *run
	channel int
	pid     int // 0 for a child that could not be born, and for one yet unborn
	pipe    *osproc.Pipe
	file    *childlog.File // nil for none
	stream  *childlog.Stream
	ended   bool // the loop's: the reader has gone
}

// speaks tells whether the stream is a listener's side of the protocol.
func (o *output) speaks() bool { return o.run.proc.reader != nil && o.channel == stdout }

// outputs are the streams of one run; one that it does not have is nil.
type outputs [2]*output

// openOutputs makes the outputs of a run and opens their logs. It runs on the
// spawner's goroutine.
func (d *Daemon) openOutputs(r *run) (outs outputs) {
	outs[stdout] = d.openOutput(r, stdout)
	if !r.proc.cfg.RedirectStderr {
		outs[stderr] = d.openOutput(r, stderr)
	}
	return outs
}

// openOutput makes one output and opens its log.
func (d *Daemon) openOutput(r *run, channel int) *output {
	p := r.proc
	lc := &p.cfg.Stdout
	if channel == stderr {
		lc = &p.cfg.Stderr
	}
	o := &output{run: r, channel: channel}
	if path := p.logPath[channel]; path != "" {
		o.file = childlog.OpenFile(childlog.FileOptions{
			Path: path, MaxBytes: lc.MaxBytes, Backups: lc.Backups, Report: d.log.Log,
			Predecessor: p.lastLog[channel],
		})
		p.lastLog[channel] = o.file
	}
	so := childlog.StreamOptions{Log: o.file, StripANSI: d.opts.Config.Supervisord.StripANSI}
	// What a listener says is logged, but holds neither captures nor events.
	if !o.speaks() {
		if lc.Syslog {
			so.Syslog = d.syslog.Program(p.cfg.Name)
		}
		so.CaptureMaxBytes = lc.CaptureMaxBytes
		so.OnCapture = func(data []byte) {
			d.send(captured{o, data})
			d.holdBack()
			d.log.Logf(levelDebug, "%s %s emitted a comm event", config.PyRepr(p.cfg.Name), channelNames[channel])
		}
		so.OnLog = d.logWatcher(o, lc)
	}
	o.stream = childlog.NewStream(so)
	return o
}

// logWatcher returns what is to be told of each logged chunk, or nil when
// nobody asks, so that the common output is never looked at.
func (d *Daemon) logWatcher(o *output, lc *config.Log) func([]byte) {
	toMainLog := d.log.Enabled(levelDebug)
	if !toMainLog && !lc.EventsEnabled {
		return nil
	}
	return func(data []byte) {
		if toMainLog {
			d.log.Log(levelDebug, fmt.Sprintf("%s %s output:\n%s",
				config.PyRepr(o.run.proc.cfg.Name), channelNames[o.channel], readable(data)))
		}
		if lc.EventsEnabled {
			d.send(logged{o.logEvent(data)})
			d.holdBack()
		}
	}
}

// pyBytes is data as Python prints bytes, which is how it stands in the log.
func pyBytes(data []byte) string { return string(listener.AppendPythonBytes(nil, data)) }

// readable is data as text, or the reference's way of showing what is not.
func readable(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	return "Undecodable: " + pyBytes(data)
}

// startReading sets the readers of a newborn child to work. Each ends at the
// end of its pipe, or when runEnded drains it.
func (r *run) startReading(d *Daemon) {
	r.outputs[stdout].pipe = r.child.Stdout
	if r.outputs[stderr] != nil {
		r.outputs[stderr].pipe = r.child.Stderr
	}
	for _, o := range r.outputs {
		if o == nil {
			continue
		}
		o.pid = r.child.PID
		switch {
		case o.speaks():
		case o.stream.Bulk():
			o.pipe.Bulk()
		default:
			o.pipe.Gather(d.bus.behind.Load)
		}
		r.open++
		d.readers.Go(func() {
			o.pipe.Serve(d.sink(o))
			o.stream.Close()
			d.send(outputEnded{o})
			if o.file != nil {
				o.file.Flush(flushPatience) // a pipe's reader may be slow
				o.file.Suspend()
			}
		})
	}
}

// sink returns what is done with each chunk of an output.
func (d *Daemon) sink(o *output) func([]byte) {
	written := &o.run.proc.counts.bytes[o.channel]
	if !o.speaks() {
		return func(data []byte) {
			written.Add(uint64(len(data)))
			o.stream.Write(data)
		}
	}
	return func(data []byte) {
		written.Add(uint64(len(data)))
		o.stream.Write(data)
		d.send(spoken{o.run, bytes.Clone(data)})
	}
}

// close ends the output's logs.
func (o *output) close() {
	o.stream.Close()
	if o.file != nil {
		o.file.Suspend()
	}
}

// close closes the logs of a run that was never born.
func (outs outputs) close() {
	for _, o := range outs {
		if o != nil {
			o.close()
		}
	}
}

// explain writes into the child's log why it could not be born, where the
// reference's child writes it before it exits.
func (outs outputs) explain(err error) {
	o := outs[stderr]
	if o == nil {
		o = outs[stdout]
	}
	if se, ok := errors.AsType[*osproc.SpawnError](err); ok && o.run.proc.reader == nil {
		o.stream.Write([]byte(se.ChildText()))
	}
}

// logEvent makes the event of a chunk that was logged, ready to be sent: the
// loop does not look at the output of children.
func (o *output) logEvent(data []byte) *event {
	body := listener.ProcessLog{
		EventType: listener.ProcessLogStdout, ProcessName: o.run.proc.cfg.Name, GroupName: o.run.proc.group.cfg.Name,
		PID: o.pid, Channel: channelNames[o.channel], Data: data,
	}
	if o.channel == stderr {
		body.EventType = listener.ProcessLogStderr
	}
	const tokens = 128 // about the length of the line before the data
	return &event{kind: body.EventType, payload: body.AppendPayload(make([]byte, 0, tokens+len(data)))}
}

// logged is the message that a chunk was logged whose events are enabled.
type logged struct{ ev *event }

func (m logged) apply(d *Daemon) { d.bus.publish(m.ev) }

// captured is the message that a child sent a communication between the
// capture tokens.
type captured struct {
	out  *output
	data []byte
}

func (m captured) apply(d *Daemon) {
	r := m.out.run
	t := listener.ProcessCommunicationStdout
	if m.out.channel == stderr {
		t = listener.ProcessCommunicationStderr
	}
	d.notify(listener.ProcessCommunication{
		EventType: t, ProcessName: r.proc.cfg.Name, GroupName: r.proc.group.cfg.Name,
		PID: m.out.pid, Data: m.data,
	})
}
