package osproc

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

// Spawner starts children, all of them from one OS thread, and reaps them.
//
// Create it after the daemon has got its final directory, umask and user: on
// Linux the thread keeps a file system context of its own, which later calls
// of os.Chdir or syscall.Umask do not reach.
type Spawner struct {
	requests chan request
	sending  sync.Mutex // keeps passage and requests in the same order
	passage  passage
	closed   chan struct{}
	closing  sync.Once
	ignored  chan os.Signal // see NewSpawner
	memory   *pipeMemory
	// forking is held while a child may exist that has not become its program
	// yet: Reap must not take a failed one away from syscall.ForkExec.
	forking sync.Mutex
}

// request asks the Spawner's thread for a child with files, which are in the
// passage, as its standard streams.
type request struct {
	spec  Spec
	files []uintptr
	reply chan<- outcome
}

type outcome struct {
	pid int
	err error
}

// NewSpawner returns a Spawner that lives until Close.
//
// Two things that the daemon may have inherited would reach its children, and
// are changed here for the whole process: descriptors above 2 become
// close-on-exec, and ignored signals (SIGHUP under nohup) are caught and
// dropped instead, which makes no difference to the daemon but gives its
// children the default action.
func NewSpawner() *Spawner {
	s := &Spawner{
		requests: make(chan request),
		closed:   make(chan struct{}),
		ignored:  make(chan os.Signal, 1),
		memory:   newPipeMemory(),
	}
	closeOnExec()
	if sigs := ignoredSignals(); len(sigs) > 0 {
		signal.Notify(s.ignored, sigs...)
	}
	s.passage.open()
	entered := make(chan struct{})
	go s.run(entered) // ended by Close
	<-entered
	return s
}

// Close ends the Spawner's thread; Spawn fails from then on. Children and
// their pipes are left alone. It may be called more than once.
func (s *Spawner) Close() {
	s.closing.Do(func() {
		close(s.closed)
		signal.Stop(s.ignored)
		s.sending.Lock()
		defer s.sending.Unlock()
		s.passage.close()
	})
}

// Spawn starts a child in its own session, with default signal actions, an
// empty signal mask and no descriptors but 0, 1 and 2, and returns once it
// runs its program. It is safe for concurrent use; calls take turns. Every
// error is a *SpawnError.
//
// Where the kernel refuses the thread a umask of its own (systems other than
// Linux; containers whose seccomp profile forbids unshare), a child's
// Spec.Umask is for the time of the fork the umask of the whole daemon, and a
// file that another goroutine creates in that instant gets it too.
func (s *Spawner) Spawn(spec Spec) (*Child, error) {
	ends, err := openEnds(spec)
	if err != nil {
		return nil, newSpawnError(spec, StagePipes, err)
	}
	pid, err := s.ask(spec, ends.child())
	ends.closeChild()
	if err != nil {
		ends.closeParent()
		return nil, err
	}
	child := &Child{PID: pid, Stdout: newPipe(ends.stdout.parent, s.memory)}
	if ends.stderr.parent != nil {
		child.Stderr = newPipe(ends.stderr.parent, s.memory)
	}
	if ends.stdin.parent != nil {
		child.Stdin = newStdin(ends.stdin.parent, StdinBacklog)
	}
	return child, nil
}

// ask has the Spawner's thread fork, and returns the PID of the child.
func (s *Spawner) ask(spec Spec, files []uintptr) (int, error) {
	reply := make(chan outcome, 1)
	if err := s.send(request{spec, files, reply}); err != nil {
		return 0, newSpawnError(spec, StagePipes, err)
	}
	o := <-reply
	return o.pid, o.err
}

func (s *Spawner) send(r request) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	select {
	case <-s.closed:
		return fmt.Errorf("spawner: %w", os.ErrClosed)
	default:
	}
	if err := s.passage.send(r.files); err != nil {
		return err
	}
	select {
	case s.requests <- r:
		return nil
	case <-s.closed:
		return fmt.Errorf("spawner: %w", os.ErrClosed)
	}
}

func (s *Spawner) run(entered chan<- struct{}) {
	// Never unlocked: a thread with its own umask, signal mask and descriptors
	// must not be used by other goroutines. It dies with this one.
	runtime.LockOSThread()
	prepareThread()
	s.passage.enter()
	close(entered)
	for {
		select {
		case r := <-s.requests:
			pid, err := s.spawn(r.spec, r.files)
			r.reply <- outcome{pid, err}
		case <-s.closed:
			return
		}
	}
}

// spawn runs on the Spawner's thread.
func (s *Spawner) spawn(spec Spec, files []uintptr) (int, error) {
	files, err := s.passage.receive(files)
	if err != nil {
		return 0, newSpawnError(spec, StagePipes, err)
	}
	defer s.passage.release(files)
	return s.fork(spec, files)
}

// fork returns the PID of a child that executes spec.Path, or a *SpawnError.
func (s *Spawner) fork(spec Spec, files []uintptr) (int, error) {
	s.forking.Lock()
	defer s.forking.Unlock()
	if spec.Umask >= 0 {
		defer syscall.Umask(syscall.Umask(spec.Umask))
	}
	pid, err := syscall.ForkExec(spec.Path, spec.Args, attributes(spec.Credential, spec.Dir, spec.Env, files))
	if err == nil {
		return pid, nil
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return 0, newSpawnError(spec, StageExec, err)
	}
	return 0, diagnose(spec, errno)
}

// attributes are those of every child: there is no parent-death signal, since
// it would fire at the end of the Spawner's thread.
func attributes(cred *Credential, dir string, env []string, files []uintptr) *syscall.ProcAttr {
	attr := &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	if cred != nil {
		attr.Sys.Credential = cred.syscall()
	}
	return attr
}
