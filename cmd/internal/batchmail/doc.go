// Package batchmail is what crashmailbatch, fatalmailbatch and crashsms have in
// common, which is all but their words: event listeners that gather what has
// happened between two ticks and send it in one mail.
//
// It decides when a batch is complete, how it outlives the process, and how
// superlance's options get it out. An event is acknowledged once it is on disk,
// in the folder "pending" of the listener's spool. At the tick that ends the
// batch all of them become one mail in the spool itself, and only then leave
// that folder; a mail tells which events are in it, so a process that was killed
// in between is made up for by the next.
//
// It never decides which event is worth a mail, nor in which words that is told.
package batchmail
