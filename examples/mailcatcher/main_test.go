package main

import (
	"bytes"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	server "github.com/emersion/go-smtp"
)

// TestMailIsKeptAndPrinted sends a mail as any SMTP client would, and looks at
// the folder and at what a person sees.
func TestMailIsKeptAndPrinted(t *testing.T) {
	dir := t.TempDir()
	var printed bytes.Buffer
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := server.NewServer(&mailbox{dir: dir, out: &printed})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }() // ends with srv.Close below

	mail := "Subject: =?utf-8?q?caf=C3=A9_is_down?=\r\n" +
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"Process caf=C3=A9 exited=\r\n unexpectedly\r\n"
	to := []string{"ops@example.com", "boss@example.com"}
	if err := smtp.SendMail(listener.Addr().String(), nil, "supervisor@example.com", to, []byte(mail)); err != nil {
		t.Fatalf("SendMail: %v", err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	<-served

	kept, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("Glob(*.eml) = %q, %v; want one file", kept, err)
	}
	raw, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(string(raw), "\r\n", "\n"); got != strings.ReplaceAll(mail, "\r\n", "\n") {
		t.Errorf("the kept mail is %q, want %q", got, mail)
	}
	want := fmt.Sprintf(`
┌── mail: café is down
│ supervisor@example.com → ops@example.com, boss@example.com
│
│ Process café exited unexpectedly
└── kept as %s

`, kept[0])
	if got := printed.String(); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
