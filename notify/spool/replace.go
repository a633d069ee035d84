package spool

import "github.com/vigilance-go/vigilance/notify/internal/replace"

// Replace writes a small file of a tool's own beside its queues, which only its
// user can read, so that a kill or a crash of the machine leaves either the old
// one or the new one. After an error it is as it was.
func Replace(path string, data []byte) error { return replace.File(path, data, 0o600) }
