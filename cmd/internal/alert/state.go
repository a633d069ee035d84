package alert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vigilance-go/vigilance/notify/spool"
)

// StateFile is a small file that is replaced as a whole, so that it survives a
// kill at any time. The zero StateFile keeps nothing.
type StateFile struct{ path string }

// NewStateFile returns the file of a name in the spool of a listener's group:
// in dir or, when that is empty, in the default place. Where there is none, it
// keeps nothing.
func NewStateFile(dir, group, name string) StateFile {
	dir, err := spoolDir(dir, group)
	if err != nil {
		return StateFile{}
	}
	return StateFileIn(dir, name)
}

// StateFileIn returns the file of a name in dir. Where that is empty, it keeps
// nothing.
func StateFileIn(dir, name string) StateFile {
	if dir == "" {
		return StateFile{}
	}
	return StateFile{filepath.Join(dir, name)}
}

// Load returns what was saved last; nil where nothing was.
func (f StateFile) Load() ([]byte, error) {
	if f.path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Save replaces what was saved. After an error the file is as it was.
func (f StateFile) Save(data []byte) error {
	if f.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	return spool.Replace(f.path, data)
}

// spoolDir is the folder of a listener's group in dir or, when that is empty,
// in the default place.
func spoolDir(dir, group string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = spool.DefaultDir(); err != nil {
			return "", err
		}
	}
	return spool.GroupDir(dir, group), nil
}

// CheckSpool checks whether messages can be written to the spool of a
// listener's group, and leaves it as it is: what is missing can be made where
// its folder can be written. The error names the folder that cannot.
func CheckSpool(dir, group string) error {
	folder, err := spoolDir(dir, group)
	if err != nil {
		return fmt.Errorf("check the spool: %w", err)
	}
	for parent := filepath.Dir(folder); parent != folder; parent = filepath.Dir(folder) {
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		folder = parent
	}
	probe, err := os.CreateTemp(folder, ".check.*")
	if err == nil {
		_, err = probe.WriteString("x")
		_ = probe.Close()
		_ = os.Remove(probe.Name()) // it was only tried
	}
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("check the spool: folder %q cannot be written, so messages would only be kept in memory; name another with --spool: %w", folder, err)
}
