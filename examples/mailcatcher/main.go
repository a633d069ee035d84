// Command mailcatcher is an SMTP server for trying things out: it accepts every
// mail on a loopback port, keeps it as an .eml file and prints it in a short
// readable form. It decides nothing else, and never relays a mail.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
)

// Limits on one mail: far above any alert, far below what would hurt.
const (
	maxMessageBytes = 1 << 20
	maxRecipients   = 50
	ioTimeout       = 30 * time.Second
)

func main() {
	port := flag.Int("port", 2525, "TCP port to listen on, at 127.0.0.1; 0 takes a free one")
	dir := flag.String("dir", ".", "folder that keeps one .eml file for each mail")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *port, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "mailcatcher:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It returns nil then, and an error when the folder
// or the port cannot be had.
func run(ctx context.Context, port int, dir string) error {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the mail folder: %w", err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("listen for SMTP: %w", err)
	}

	server := smtp.NewServer(&mailbox{dir: dir, out: os.Stdout})
	server.Domain = "localhost"
	server.MaxMessageBytes = maxMessageBytes
	server.MaxRecipients = maxRecipients
	server.ReadTimeout = ioTimeout
	server.WriteTimeout = ioTimeout

	// The goroutine ends with ctx, which main's stop cancels at the latest.
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Printf("mailcatcher: listening on %s, mails are kept in %s\n", listener.Addr(), dir)
	if err := server.Serve(listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("serve SMTP: %w", err)
	}
	return nil
}
