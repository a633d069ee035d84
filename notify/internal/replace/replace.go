// Package replace puts small files on disk so that a kill or a crash of the
// machine leaves either the old one or the new one.
package replace

import (
	"os"
	"path/filepath"
)

// File replaces the file at path, or makes it. After an error it is as it was.
// Its mode does not depend on the umask.
func File(path string, data []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the error says enough
	}
	return err
}
