package osproc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestLookupCredentialFindsAllGroups(t *testing.T) {
	needRoot(t)
	for _, uid := range []int{1, 8, 33, 65534} {
		u, err := user.LookupId(strconv.Itoa(uid))
		if err != nil {
			t.Logf("no user %d here", uid)
			continue
		}
		cred, err := LookupCredential(uid)
		if err != nil || cred == nil {
			t.Errorf("LookupCredential(%d) = %v, %v", uid, cred, err)
			continue
		}
		out, err := exec.Command("id", "-G", u.Username).Output()
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		for _, f := range strings.Fields(string(out)) {
			n, _ := strconv.Atoi(f)
			want = append(want, n)
		}
		if cred.UID != uid || cred.GID != want[0] || cred.Groups[0] != cred.GID {
			t.Errorf("LookupCredential(%d) = %+v, want gid %d first", uid, *cred, want[0])
		}
		got := slices.Clone(cred.Groups)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("LookupCredential(%d).Groups = %v, want %v", uid, got, want)
		}
	}
}

func TestLookupCredentialErrorsFollowSupervisor(t *testing.T) {
	if cred, err := LookupCredential(os.Getuid()); cred != nil || err != nil {
		t.Errorf("LookupCredential(own uid) = %v, %v; want nil, nil", cred, err)
	}
	if cred, err := LookupCredential(1 << 32); cred != nil || err == nil {
		t.Errorf("LookupCredential(1 << 32) = %v, %v; want an error, and not root", cred, err)
	}
	const nobodys = 1234567
	_, err := LookupCredential(nobodys)
	var se *SpawnError
	if !errors.As(err, &se) || se.Stage != StageSetuid || se.Err.Error() != "Can't find uid 1234567" {
		t.Fatalf("LookupCredential(%d) = %v, want Can't find uid", nobodys, err)
	}
	want := "supervisor: couldn't setuid to 1234567: Can't find uid 1234567\nsupervisor: child process was not spawned\n"
	if got := se.ChildText(); got != want {
		t.Errorf("ChildText() = %q, want %q", got, want)
	}
}

func TestDropPrivilegesLeavesNoWayBack(t *testing.T) {
	needRoot(t)
	got := nested(t, "drop", "", "DROP_UID=65534")
	want := "65534 65534 65534 65534\n<nil>\nCan't drop privilege as nonroot user\ntrue\n"
	if got != want {
		t.Errorf("IDs, again, back to root, refused:\n got %q\nwant %q", got, want)
	}
	got = nested(t, "drop", "", "DROP_UID=1234567")
	if want := "Can't find uid 1234567\n"; got != want {
		t.Errorf("DropPrivileges(1234567) = %q, want %q", got, want)
	}
}

func TestKill(t *testing.T) {
	r := newRig(t)
	c := r.start(sh(`sleep 1000 & echo; wait`))
	ready := make(chan struct{}, 1)
	go c.Stdout.Serve(func([]byte) { ready <- struct{}{} }) // ends with the group
	await(t, ready, "the child")
	if err := Kill(c.PID, syscall.SIGTERM, true); err != nil {
		t.Errorf("Kill(group) = %v", err)
	}
	if got := r.ended(c.PID); got.Signal() != syscall.SIGTERM {
		t.Errorf("wait status = %#x, want SIGTERM", got)
	}
	await(t, c.Stdout.Done(), "the end of the grandchild")
	for _, group := range []bool{false, true} {
		eventually(t, "ESRCH", func() bool { // init may take a moment to reap the grandchild
			return errors.Is(Kill(c.PID, syscall.SIGTERM, group), syscall.ESRCH)
		})
	}
	for _, pid := range []int{1, 0, -1, -c.PID} {
		// Signal 0 harms nobody, should the guard be broken.
		want := fmt.Sprintf("send signal 0 to process %d: invalid argument", pid)
		if err := Kill(pid, 0, false); err == nil || err.Error() != want {
			t.Errorf("Kill(%d) = %v, want %s", pid, err, want)
		}
	}
}
