// Package notify carries alerts from the moment something happened to the
// moment a person's inbox or chat has accepted it.
//
// A [Message] says what happened. A [Queue] keeps it until it is delivered; the
// package's [Memory] forgets it with the process, notify/spool keeps it on
// disk. A [Notifier] hands one message to one service and says, by the type of
// its error, whether another attempt makes sense. A [Deliverer] joins them: it
// alone decides when an attempt is repeated, and when a message is given up.
//
// A [Dispatcher] stands in a Deliverer's place where a message may stand for
// many events: by its [Policy] it decides what is said at once, what waits and
// what goes out together, over a [Backlog], which is a Queue that one process
// can look over. A [Composer] finds the words.
//
// A [Pacer] between a Deliverer and a Notifier keeps the [Limits] of a service,
// and a [Secret] is what neither of them prints.
//
// The package never opens a connection and knows no service: integrations
// stand in packages of their own, import this one, and hold no retry policy.
package notify
