// Package memory tells how much memory processes use, and their cgroups, and
// how often the kernel has killed one for it.
//
// It reads /proc and the cgroup file systems, and asks ps once a pass where
// there is no /proc. It never decides what is too much, and changes nothing.
package memory
