package osproc

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestSpawnErrorNamesNoexecMount(t *testing.T) {
	needRoot(t)
	if err := exec.Command("unshare", "-m", "true").Run(); err != nil {
		t.Skipf("cannot make a mount namespace: %v", err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "true")
	got := nested(t, "print spawn error",
		`exec unshare -m sh -c 'mount -t tmpfs -o noexec none "$DIR" && cp /bin/true "$DIR" && exec "$@"' sh "$@"`,
		"DIR="+dir, "SPAWN_PATH="+file)
	want := fmt.Sprintf("execute %q: permission denied (its file system is mounted noexec)", file)
	if got != want {
		t.Errorf("Spawn(%q) = %s, want %s", file, got, want)
	}
}
