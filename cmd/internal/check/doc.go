// Package check holds what httpok, memmon and oommon have in common: the tools
// that look after processes at each tick and restart those that are not well.
//
// It decides how their mails get out, how a process is restarted and how often
// that may happen, and it keeps all of that beside the loop that answers the
// daemon's events. It never decides which process is not well, nor in which
// words that is told.
package check
