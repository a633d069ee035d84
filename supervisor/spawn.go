package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// requestSpawn queues the birth of a child for the spawner.
func (d *Daemon) requestSpawn(p *proc) {
	p.run = &run{proc: p}
	if p.reader != nil {
		p.reader.reset()
	}
	if s := p.group.socket; s != nil {
		s.users++
	}
	if !d.orphans.holdBack(p.run) {
		d.queueSpawn(p.run)
	}
}

// queueSpawn gives a run its place before the spawner.
func (d *Daemon) queueSpawn(r *run) {
	d.inFlight++
	d.waiting = append(d.waiting, r)
}

// spawnDone is the message that a birth succeeded or failed. The run gets its
// child and outputs only here: until then, the loop may look at it while the
// spawner is at work.
type spawnDone struct {
	run     *run
	child   *osproc.Child
	outputs outputs
	err     error
}

// serveSpawns gives birth to one child after the other, off the loop: looking
// up a command, opening a log and waiting for an exec can all take long.
func (d *Daemon) serveSpawns(s *osproc.Spawner) {
	for {
		select {
		case r := <-d.spawns:
			m := spawnDone{run: r}
			m.child, m.outputs, m.err = d.spawn(s, r)
			if !d.send(m) {
				return
			}
		case <-d.done:
			return
		}
	}
}

// spawn gives birth to the child of r. It runs on the spawner's goroutine and
// touches nothing that the loop changes.
func (d *Daemon) spawn(s *osproc.Spawner, r *run) (*osproc.Child, outputs, error) {
	spec, err := d.spec(r.proc)
	if err != nil {
		return nil, outputs{}, err
	}
	if s := r.proc.group.socket; s != nil {
		if spec.Stdin, err = s.open(d); err != nil {
			return nil, outputs{}, err
		}
	}
	outs := d.openOutputs(r)
	entry := journalEntry(r.proc)
	d.opts.Journal.Intend(entry)
	child, err := s.Spawn(spec)
	if err == nil {
		entry.PID = child.PID
		d.opts.Journal.Born(entry)
	}
	if err != nil {
		outs.explain(err)
		outs.close()
		return nil, outputs{}, errors.New(spawnText(err, r.proc.cfg.Name))
	}
	return child, outs, nil
}

// spec translates the program's configuration for osproc.
func (d *Daemon) spec(p *proc) (osproc.Spec, error) {
	pc := p.cfg
	file, argv, err := command(pc)
	if err != nil {
		return osproc.Spec{}, err
	}
	spec := osproc.Spec{
		Path: file, Args: argv, Env: d.childEnv(p), Dir: pc.Directory,
		Umask: -1, RedirectStderr: pc.RedirectStderr,
	}
	if pc.Umask != nil {
		spec.Umask = *pc.Umask
	}
	if pc.UID != nil {
		if spec.Credential, err = osproc.LookupCredential(*pc.UID); err != nil {
			return osproc.Spec{}, err
		}
	}
	return spec, nil
}

// command finds the file and the arguments of a program's command. Its errors
// are the reference's texts.
func command(pc *config.Program) (file string, argv []string, err error) {
	argv, err = config.SplitCommand(pc.Command)
	if err != nil {
		return "", nil, fmt.Errorf("can't parse command %s: %w", config.PyRepr(pc.Command), err)
	}
	if len(argv) == 0 {
		return "", nil, errors.New("command is empty")
	}
	path := os.Getenv("PATH")
	if own, ok := pc.Environment["PATH"]; ok {
		path = own
	}
	file, err = osproc.Resolve(argv, strings.Split(path, ":"))
	return file, argv, err
}

// childEnv is the environment of a child: the daemon's own, what tells the
// child about its supervisor, and the configured variables, the later ones
// winning (Supervisor manual, "Subprocess Environment").
func (d *Daemon) childEnv(p *proc) []string {
	own := map[string]string{
		"SUPERVISOR_ENABLED":      "1",
		"SUPERVISOR_PROCESS_NAME": p.cfg.Name,
		"SUPERVISOR_GROUP_NAME":   p.group.cfg.Name,
	}
	url := p.cfg.ServerURL
	if url == "" {
		url = d.opts.ServerURL
	}
	if url != "" {
		own["SUPERVISOR_SERVER_URL"] = url
	}
	for k, v := range p.cfg.Environment {
		own[k] = v
	}
	env := make([]string, 0, len(own)+len(os.Environ()))
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if _, set := own[name]; !set {
			env = append(env, kv)
		}
	}
	for k, v := range own {
		env = append(env, k+"="+v)
	}
	return env
}

// apply puts a newborn child under supervision.
func (m spawnDone) apply(d *Daemon) {
	r, p := m.run, m.run.proc
	d.inFlight--
	if m.err != nil {
		p.run = nil
		p.counts.exits[ExitNotSpawned]++
		d.endRun(p, process.SpawnFailed{Reason: m.err.Error()})
	} else {
		r.child, r.outputs = m.child, m.outputs
		d.byPID[r.child.PID] = r
		p.counts.starts++
		// The readers begin afterwards: the log tells of a birth before it
		// shows what the child says.
		d.step(p, process.Spawned{PID: r.child.PID})
		r.startReading(d)
	}
	d.settleStrangers()
}

// settleStrangers looks again at the exits that could not be told apart while
// births were under way.
func (d *Daemon) settleStrangers() {
	left := d.strangers
	d.strangers = nil
	for _, e := range left {
		d.childEnded(e)
	}
}

// spawnText is the reason that a client reads in spawnerr.
func spawnText(err error, name string) string {
	if se, ok := errors.AsType[*osproc.SpawnError](err); ok {
		return se.Reason(name)
	}
	return err.Error()
}
