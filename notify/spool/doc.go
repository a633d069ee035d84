// Package spool keeps alerts on disk between the moment an event is
// acknowledged and the moment its message is delivered.
//
// It decides how a message survives kill -9, a power cut and a full disk, and
// which of several processes holds it. It never decides when a delivery is
// tried: that is notify.Deliverer's.
//
// A spool is a folder, and can be looked at with ls and cat:
//
//	tmp/   messages being written; none of them has been acknowledged
//	new/   messages waiting: one file each, named after the message's ID
//	done/  empty files that remember the IDs delivered of late
//	dead/  messages that were refused for good and files that are none, each
//	       beside a file NAME.reason that says why
//
// and beside them, where a notify.Dispatcher sends from it:
//
//	lock     locked by the process that sends
//	journal  what is being noted for many messages at a time
//	state    what the sender must remember over a restart
//	reserve  messages that came while the disk was full
//
// These were written at their full size in advance, 2 MiB and a quarter
// together, and are written over in place, which a full disk cannot refuse.
//
// A file in new/ is a line of JSON, the message with its targets, and then a
// line for each target that was settled while others were not.
//
// A message is written into tmp/, synced, renamed into new/, and new/ is
// synced before Put returns. Whoever delivers it holds a flock on its file
// meanwhile, so the processes of a listener pool can share a spool, and the
// lock of one that is killed goes with it. Delivery is at least once: a
// message is sent again only where the machine or the process died between the
// server's answer and the note of it, or where even memory could not keep
// that note on a full disk.
//
// Growth: new/ holds at most Options.MaxMessages, then Put fails with
// notify.ErrFull. done/ is pruned after a day and beyond 10,000 files. dead/
// is never pruned: what is in there was not delivered, and is for people to
// look at.
package spool
