package childlog

// Direct calls write with the descriptor of the log's regular file, opened for
// appending, so that bytes can go there by other means than Write. write
// returns how many bytes it has appended; they count towards rotation, and an
// error as a failed write. Direct returns false, and does not call write, when
// the log is anything but an open regular file: use Write then.
//
// write runs under the log's lock and must not call its methods, nor close the
// descriptor. (splice(2) refuses descriptors with O_APPEND: a user of it takes
// the flag off for the call, and seeks to the end first.)
func (f *File) Direct(write func(fd int) (n int, err error)) bool {
	now := f.now()
	f.mu.Lock()
	defer f.unlockAndReport()
	if f.closed {
		return false
	}
	f.prepare(now)
	if f.fd < 0 {
		return false
	}
	n, err := write(f.fd)
	f.wrote(n, 0, err, now)
	return true
}
