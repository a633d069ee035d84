// Command pictures makes the pictures of messages in docs/tools. It runs the
// real supervisord with every alerting tool and some programs that fail, takes
// what the tools send, renders it in the manner of the program that would show
// it, and has Chromium make a picture of that.
//
// It decides what a picture looks like and nothing about a message: a picture
// shows what was sent. It is run by make docs-images, from the top of the
// checkout.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long the tools may take to send all messages: the batch tools
// and the checks wait for ticks of 5 s.
const patience = 90 * time.Second

func main() {
	out := flag.String("o", "docs/images", "`folder` for the pictures")
	keep := flag.Bool("html", false, "keep the pages that the pictures were made of beside them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *out, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newStage(ctx, dir)
	if err != nil {
		return err
	}
	defer s.close()
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, p := range portraits() {
		sent, err := s.wait(waiting, p)
		if err != nil {
			return err
		}
		page, err := p.page(sent)
		if err != nil {
			return fmt.Errorf("render %s: %w", p.name, err)
		}
		file := filepath.Join(out, "message-"+p.name)
		html := filepath.Join(dir, p.name+".html")
		if keep {
			html = file + ".html"
		}
		if err := os.WriteFile(html, page, 0o600); err != nil {
			return err
		}
		size, err := photograph(ctx, html, file+".png", dir)
		if err != nil {
			return fmt.Errorf("make the picture of %s: %w", p.name, err)
		}
		fmt.Printf("%s.png: %d bytes\n", file, size)
	}
	return nil
}
