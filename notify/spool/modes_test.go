package spool_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/vigilance-go/vigilance/notify/spool"
)

// TestSpoolIsItsOwnersAlone: messages hold what programs wrote, and addresses.
func TestSpoolIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, spool.Options{})
	put(t, s, "1", "a")
	put(t, s, "2", "b")
	c := claim(t, s, "2")
	check(t, "Refused", c.Refused("b", "550 no"))
	check(t, "Release", c.Release())
	store, err := s.Store()
	check(t, "Store", err)
	check(t, "Save", store.Save([]byte("facts")))
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want nothing for others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
