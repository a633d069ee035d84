package childlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestLinksOfStrangersAreNotFollowed puts a link to a file that only root can
// write where a log is to be.
func TestLinksOfStrangersAreNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make links of other users")
	}
	const stranger, other = 65534, 65533
	for _, tt := range []struct {
		name        string
		folderOwner int
		mode        os.FileMode
		linkOwner   int
		want        error
	}{
		{"a stranger's in /tmp", 0, os.ModeSticky | 0o777, stranger, ErrForeignLink},
		{"a stranger's where all can write", 0, 0o777, stranger, ErrForeignLink},
		{"a stranger's where a group can write", 0, 0o775, stranger, ErrForeignLink},
		{"a stranger's in another's folder", other, 0o777, stranger, ErrForeignLink},
		{"root's in /tmp", 0, os.ModeSticky | 0o777, 0, nil},
		{"the folder owner's", stranger, os.ModeSticky | 0o777, stranger, nil},
		{"a stranger's that root has put there", 0, 0o755, stranger, nil},
	} {
		dir := filepath.Join(t.TempDir(), "folder")
		victim := filepath.Join(t.TempDir(), "victim")
		path := filepath.Join(dir, "program.log")
		for _, err := range []error{
			os.WriteFile(victim, []byte("precious"), 0o600), os.Mkdir(dir, 0o755), os.Symlink(victim, path),
			os.Lchown(path, tt.linkOwner, tt.linkOwner), os.Chown(dir, tt.folderOwner, tt.folderOwner), os.Chmod(dir, tt.mode),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		f := OpenFile(FileOptions{Path: path})
		if err := f.Err(); !errors.Is(err, tt.want) {
			t.Errorf("%s: OpenFile = %v, want %v", tt.name, err, tt.want)
		}
		f.Write([]byte("written"))
		f.Close()
		text, err := os.ReadFile(victim)
		want := "preciouswritten"
		if tt.want != nil {
			want = "precious"
		}
		if err != nil || string(text) != want {
			t.Errorf("%s: the link's target holds %q, %v, want %q", tt.name, text, err, want)
		}
	}
}

// TestAutoLogsStayInTheirFolder: automatic logs are new files of their own,
// whatever the variables in a process' name and in the identifier hold.
func TestAutoLogsStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"..", "../../etc/cron.d/x", "/etc/x", "a/b"} {
		path, err := AutoName(dir, name, "stdout", name)
		if err != nil {
			t.Errorf("AutoName(%q, %q): %v", dir, name, err)
			continue
		}
		info, err := os.Lstat(path)
		if err != nil || filepath.Dir(path) != dir || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
			t.Errorf("AutoName(%q, %q) = %q with %v, %v, want a file of mode 0600 in the folder", dir, name, path, info, err)
		}
		if failed, err := CleanAuto(dir, name); err != nil || failed != nil {
			t.Errorf("CleanAuto(%q, %q) = %q, %v", dir, name, failed, err)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("CleanAuto(%q, %q) has left %q", dir, name, path)
		}
	}
}
