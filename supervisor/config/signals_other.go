//go:build !linux

package config

import "syscall"

func realtimeSignals() map[string]syscall.Signal { return nil }
