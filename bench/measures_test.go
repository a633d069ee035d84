package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCountFindsWhatIsLoggedInPieces(t *testing.T) {
	r := &running{dir: t.TempDir(), found: make(map[string]found)}
	log, err := os.Create(filepath.Join(r.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, step := range []struct {
		piece string
		want  int
	}{{"x spaw", 0}, {"ned: a\n", 1}, {"", 1}, {"spawned: b spawned: c\nspawned:", 3}, {" d\n", 4}} {
		if _, err := io.WriteString(log, step.piece); err != nil {
			t.Fatal(err)
		}
		if got := r.count("spawned: "); got != step.want {
			t.Errorf("count after %q = %d, want %d", step.piece, got, step.want)
		}
	}
}

func TestHeardLeavesAnUnfinishedLineForLater(t *testing.T) {
	r := &running{dir: t.TempDir()}
	var text string
	for _, step := range []struct {
		piece string
		want  string
	}{{"5 0 12\n7 10", "[{12 0}]"}, {"0 \n", "[{12 0} {0 100}]"}} {
		text += step.piece
		if err := os.WriteFile(filepath.Join(r.dir, heardName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range r.heard() {
			got = append(got, fmt.Sprintf("{%d %d}", h.pid, h.bytes))
		}
		if s := "[" + strings.Join(got, " ") + "]"; s != step.want {
			t.Errorf("heard after %q = %s (pid, bytes), want %s", step.piece, s, step.want)
		}
	}
}

func TestMailboxTellsWhichProcessAMailIsAbout(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	m, err := b.receive("tcp")
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	conn, err := net.Dial("tcp", m.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, pid := range []int{7, 8} {
		_, err = fmt.Fprintf(conn, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\nexited unexpectedly (pid %d)\r\n.\r\n", pid)
		if err != nil {
			t.Fatal(err)
		}
	}
	if at, err := m.about(t.Context(), 8); err != nil || at.IsZero() { // that about 7 came first
		t.Errorf("about(8) = %v, %v; want the time of the second mail", at, err)
	}
}

func TestPythonIsReadFromTheFirstLineOfAScript(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"#!/usr/bin/python3\nimport x\n", "/usr/bin/python3"},
		{"#!/usr/bin/env python3\n", "python3"},
		{"#!/opt/venv/bin/python -u\n", "/opt/venv/bin/python"},
		{"#!/bin/sh\n", ""},
		{"\x7fELF\n", ""},
	} {
		path := filepath.Join(t.TempDir(), "supervisord")
		if err := os.WriteFile(path, []byte(tt.text), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := (daemon{"x", []string{path}}).python(); got != tt.want {
			t.Errorf("python() of a daemon that begins with %q = %q, want %q", tt.text, got, tt.want)
		}
	}
}
