// Package alert holds what the alerting commands have in common: which
// processes they are for, what makes an event the same event, where messages
// wait, how their mails get out, and the way they write to standard error.
//
// It joins listener and notify, which know nothing of each other. It never
// decides what a tool reports or in which words.
package alert
