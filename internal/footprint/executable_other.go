//go:build !linux

package footprint

// dropExecutable does nothing: there is no telling which pages are clean.
func dropExecutable() {}
