package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/vigilance-go/vigilance/notify"
)

// bell is a service that one can ring once a message, unless it is off.
type bell struct{ off bool }

func (b bell) Notify(_ context.Context, m notify.Message) error {
	if b.off {
		return &notify.PermanentError{Err: errors.New("the bell is switched off")}
	}
	fmt.Printf("ding for %s: %s\n", m.To, m.Subject)
	return nil
}

// A message is put, which is all that an event waits for, and delivered by
// another goroutine, which retries.
func Example() {
	queue := notify.NewMemory(0) // notify/spool survives kill -9
	deliverer := notify.Deliverer{Queue: queue, Notifier: bell{}, Log: slog.New(slog.DiscardHandler), StopTimeout: notify.DefaultTimeout}
	ctx, stop := context.WithCancel(context.Background())
	left := make(chan int)
	go func() { left <- deliverer.Run(ctx) }() // stop ends it

	err := queue.Put(notify.Message{ID: "1", Subject: "cat crashed"}, "upstairs", "downstairs")
	if err != nil {
		fmt.Println(err)
	}
	stop()
	fmt.Println(<-left, "left")
	// Output:
	// ding for upstairs: cat crashed
	// ding for downstairs: cat crashed
	// 0 left
}
