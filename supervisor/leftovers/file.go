package leftovers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
)

// The file is made of lines: a checksum of eight hexadecimal digits, a blank
// and a JSON object. The first one is the header, the others are entries, of
// which the last about a process counts. Each begins with a line feed of its
// own, so that one that was torn does not spoil the next.

// maxFile bounds what is read of a file, in bytes: noise must not become memory.
const maxFile = 64 << 20

// header is the first line.
type header struct {
	Daemon int `json:"daemon"` // the pid of the supervisord that writes
}

// appendLine appends v as a line of the file.
func appendLine(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return b, fmt.Errorf("encode entry: %w", err)
	}
	b = fmt.Appendf(b, "\n%08x ", crc32.ChecksumIEEE(text))
	return append(append(b, text...), '\n'), nil
}

// parsed is what a file says.
type parsed struct {
	header  header
	entries map[key]Entry
	damaged int // lines that nobody has written so
}

// parse reads a file. What is damaged is passed over and counted; the error is
// one of reading.
func parse(r io.Reader) (parsed, error) {
	p := parsed{entries: make(map[key]Entry)}
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return p, fmt.Errorf("read state file: %w", err)
	}
	for line := range bytes.Lines(text) {
		// The zeros are room that was taken in advance.
		if line = bytes.Trim(line, "\x00\n"); len(line) > 0 {
			p.take(line)
		}
	}
	return p, nil
}

// take understands one line.
func (p *parsed) take(line []byte) {
	sum, text, found := bytes.Cut(line, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !found || err != nil || uint32(want) != crc32.ChecksumIEEE(text) {
		p.damaged++
		return
	}
	var line1 struct {
		header
		Entry
	}
	if err := json.Unmarshal(text, &line1); err != nil {
		p.damaged++
		return
	}
	if e := line1.Entry; e.Name != "" {
		p.entries[e.key()] = e
	} else {
		p.header = line1.header
	}
}

// openOwn opens the file at path for reading, and makes it where there is
// none. One that others could have written is not believed: it names what is
// to be killed.
func openOwn(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|openFlags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open state file: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		err = trusted(info)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("open state file %q: %w", path, err)
	}
	return f, nil
}

// trusted returns the reason why a file is not to be believed, if there is one.
func trusted(info os.FileInfo) error {
	uid, err := owner(info)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is no regular file, but %v", info.Mode())
	case uid != os.Geteuid() && uid != 0:
		return fmt.Errorf("it belongs to user %d, want %d", uid, os.Geteuid())
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can write it (mode %v)", info.Mode().Perm())
	}
	return nil
}
