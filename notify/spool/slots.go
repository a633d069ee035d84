package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"syscall"

	"github.com/vigilance-go/vigilance/notify"
)

// slots is a file of a fixed size, written when there was room. Records are
// written over in place, which a full disk cannot refuse.
type slots struct {
	f    *os.File
	n    int
	size int // of a slot, with its head
}

// mark says what a slot holds.
type mark byte

// The marks, as they stand in the file.
const (
	free    mark = 0
	waiting mark = 'W'
	settled mark = 'D' // a message that left, of which the ID is remembered
	kept    mark = 'K' // anything else
)

// slot is the head of a slot: mark, sequence number, length, checksum.
type slot struct {
	mark mark
	seq  uint32
	len  uint32
	sum  uint32
}

const headLen = 16

// openSlots opens a file of slots and makes it where it is missing, or has
// another size. Its error says that there is no room for it.
func openSlots(path string, n, size int) (*slots, error) {
	for range 2 {
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err == nil {
			info, err := f.Stat()
			if err == nil && info.Size() == int64(n*size) {
				return &slots{f, n, size}, nil
			}
			_ = f.Close()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		// Written, so that it takes its room.
		if err := Replace(path, make([]byte, n*size)); err != nil {
			return nil, fmt.Errorf("make %q: %w", path, err)
		}
	}
	return nil, fmt.Errorf("open %q: it changes", path)
}

// head reads the head of slot i.
func (s *slots) head(i int) (slot, error) {
	var b [headLen]byte
	if _, err := s.f.ReadAt(b[:], int64(i*s.size)); err != nil {
		return slot{}, err
	}
	return slot{
		mark: mark(b[0]),
		seq:  binary.LittleEndian.Uint32(b[4:]),
		len:  binary.LittleEndian.Uint32(b[8:]),
		sum:  binary.LittleEndian.Uint32(b[12:]),
	}, nil
}

// read returns what slot i holds. ok is false where that is nothing, or was
// written in part.
func (s *slots) read(i int) (h slot, data []byte, ok bool) {
	h, err := s.head(i)
	if err != nil || h.mark == free || int64(h.len) > int64(s.room()) {
		return h, nil, false
	}
	data = make([]byte, h.len)
	if _, err := s.f.ReadAt(data, int64(i*s.size+headLen)); err != nil {
		return h, nil, false
	}
	return h, data, crc32.ChecksumIEEE(data) == h.sum
}

// room is how long a record may be, in bytes.
func (s *slots) room() int { return s.size - headLen }

// write fills slot i.
func (s *slots) write(i int, m mark, seq uint32, data []byte) error {
	if len(data) > s.room() {
		return fmt.Errorf("write %d bytes into a slot of %d", len(data), s.room())
	}
	_, err := s.f.WriteAt(encodeSlot(m, seq, data), int64(i*s.size))
	return err
}

// encodeSlot returns a slot's head and data, to be written in one piece.
func encodeSlot(m mark, seq uint32, data []byte) []byte {
	b := make([]byte, headLen, headLen+len(data))
	b[0] = byte(m)
	binary.LittleEndian.PutUint32(b[4:], seq)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(data))) //nolint:gosec // less than a slot, which is small
	binary.LittleEndian.PutUint32(b[12:], crc32.ChecksumIEEE(data))
	return append(b, data...)
}

// setMark changes what slot i is said to hold.
func (s *slots) setMark(i int, m mark) error {
	_, err := s.f.WriteAt([]byte{byte(m)}, int64(i*s.size))
	return err
}

// memo is a notify.Store in two slots, which are written by turns.
type memo struct {
	s   *slots
	seq uint32
}

const (
	memoName = "state"
	memoSize = 128 << 10
)

// Store returns the place of a few facts beside the messages, which a
// notify.Dispatcher keeps there. They hold 128 KiB and can be written on a
// full disk.
func (s *Spool) Store() (notify.Store, error) {
	f, err := openSlots(s.path(memoName), 2, memoSize)
	if err != nil {
		return nil, fmt.Errorf("open the spool's state: %w", err)
	}
	return &memo{s: f}, nil
}

// Load implements notify.Store.
func (m *memo) Load() ([]byte, error) {
	var latest []byte
	for i := range 2 {
		if h, data, ok := m.s.read(i); ok && h.seq >= m.seq {
			latest, m.seq = data, h.seq
		}
	}
	return latest, nil
}

// Save implements notify.Store.
func (m *memo) Save(data []byte) error {
	m.seq++
	return m.s.write(int(m.seq%2), kept, m.seq, data)
}
