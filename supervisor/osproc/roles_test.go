package osproc

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// roles are what the test binary can play in a process of its own.
func roles() map[string]func() {
	return map[string]func(){
		"print child's status": func() { spawnAndShow(command("/bin/cat", "/proc/self/status")) },
		"print spawn error":    rolePrintError,
		"limit":                roleLimit,
		"drop":                 roleDrop,
		"resolve as nobody":    roleResolve,
		"run out of files":     roleFiles,
		"run out of processes": roleProcesses,
		"spawn as nobody":      roleUnprivileged,
	}
}

func must(err error) {
	if err != nil {
		fmt.Println("role failed:", err)
		os.Exit(1)
	}
}

func spawnAndShow(spec Spec) {
	s := NewSpawner()
	defer s.Close()
	c, err := s.Spawn(spec)
	must(err)
	c.Stdout.Serve(func(p []byte) { _, _ = os.Stdout.Write(p) })
}

// rolePrintError prints why SPAWN_PATH cannot be executed.
func rolePrintError() {
	s := NewSpawner()
	defer s.Close()
	_, err := s.Spawn(command(os.Getenv("SPAWN_PATH")))
	fmt.Print(err)
}

// roleLimit prints what EnsureLimit said, and the limits of a child.
func roleLimit() {
	if uid := os.Getenv("LIMIT_UID"); uid != "" {
		n, err := strconv.Atoi(uid)
		must(err)
		must(syscall.Setuid(n))
	}
	least, err := strconv.Atoi(os.Getenv("LIMIT_LEAST"))
	must(err)
	flag := "n"
	if Limit(os.Getenv("LIMIT_NAME")) == LimitNProc {
		flag = "p"
		if _, err := os.Stat("/bin/bash"); err != nil {
			flag = "u"
		}
	}
	note, err := EnsureLimit(Limit(os.Getenv("LIMIT_NAME")), least)
	fmt.Printf("note %q\n", note)
	if err != nil {
		fmt.Printf("error %s\n", err)
		return
	}
	spawnAndShow(sh("ulimit -S" + flag + "; ulimit -H" + flag))
}

func roleDrop() {
	uid, err := strconv.Atoi(os.Getenv("DROP_UID"))
	must(err)
	if err := DropPrivileges(uid); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid())
	fmt.Println(DropPrivileges(uid))
	fmt.Println(DropPrivileges(0))
	fmt.Println(errors.Is(syscall.Setuid(0), syscall.EPERM))
}

func roleResolve() {
	must(DropPrivileges(65534))
	_, err := Resolve([]string{os.Getenv("RESOLVE")}, nil)
	fmt.Print(err)
}

// roleFiles tries to spawn with no descriptor left, then with one, and so on
// until it succeeds.
func roleFiles() {
	s := NewSpawner()
	defer s.Close()
	_, err := s.Spawn(sh("exit 0")) // whatever the runtime opens once is open
	must(err)
	must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}))
	var hoard []int
	for {
		fd, err := syscall.Dup(0)
		if err != nil {
			break
		}
		hoard = append(hoard, fd)
	}
	for range 20 {
		_, err := s.Spawn(sh("exit 0"))
		var se *SpawnError
		if !errors.As(err, &se) {
			fmt.Println("spawned:", err)
			break
		}
		fmt.Printf("%s|%s|%q\n", se.Stage, se.Reason("web"), se.ChildText())
		must(syscall.Close(hoard[0]))
		hoard = hoard[1:]
	}
}

// roleProcesses fails to fork as a user that has too many processes.
func roleProcesses() {
	warmThreads()
	must(syscall.Setuid(54321))
	s := NewSpawner()
	defer s.Close()
	_, err := s.Spawn(sh("exit 0"))
	must(err)
	must(syscall.Setrlimit(unix.RLIMIT_NPROC, &syscall.Rlimit{Cur: 1, Max: 1}))
	_, err = s.Spawn(sh("exit 0"))
	var se *SpawnError
	if errors.As(err, &se) {
		fmt.Printf("%s|%s|%q|%v", se.Stage, se.Reason("web"), se.ChildText(), err)
	}
}

// warmThreads lets the runtime make the threads that it may need later.
func warmThreads() {
	const threads = 16
	var ready, done sync.WaitGroup
	release := make(chan struct{})
	for range threads {
		ready.Add(1)
		done.Add(1)
		go func() { // ends at release
			defer done.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-release
		}()
	}
	ready.Wait()
	close(release)
	done.Wait()
}

// roleUnprivileged asks for another user without being root.
func roleUnprivileged() {
	must(syscall.Setgroups(nil))
	must(syscall.Setgid(65534))
	must(syscall.Setuid(65534))
	s := NewSpawner()
	defer s.Close()
	_, err := LookupCredential(0)
	show(err)
	spec := sh("exit 0")
	spec.Credential = &Credential{UID: 1, GID: 1, Groups: []int{1}}
	_, err = s.Spawn(spec)
	show(err)
}

func show(err error) {
	var se *SpawnError
	if errors.As(err, &se) {
		fmt.Printf("%v\n%s%s\n", err, se.ChildText(), se.Reason("web"))
	}
}
