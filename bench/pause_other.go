//go:build !linux

package main

import "time"

// pause waits for a moment between two looks at a daemon.
func pause() { time.Sleep(betweenLooks) }
