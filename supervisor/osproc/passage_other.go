//go:build unix && !linux

package osproc

// passage does nothing: there are no threads with descriptors of their own.
type passage struct{}

func (*passage) open()                                    {}
func (*passage) enter()                                   {}
func (*passage) send([]uintptr) error                     { return nil }
func (*passage) receive(fds []uintptr) ([]uintptr, error) { return fds, nil }
func (*passage) release([]uintptr)                        {}
func (*passage) close()                                   {}
