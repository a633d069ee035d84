package spool

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/vigilance-go/vigilance/notify"
)

// formatVersion stands in each file. A higher one was written by a later
// version of the program, and is set aside rather than misread.
const formatVersion = 1

// head is the first line of a message's file.
type head struct {
	Version int            `json:"version"`
	To      []string       `json:"to"`
	Message notify.Message `json:"message"`
}

// noteLine is each further line: the outcome of one target.
type noteLine struct {
	To      string `json:"to"`
	Outcome string `json:"outcome"` // delivered or refused
	Reason  string `json:"reason,omitempty"`
}

const (
	delivered = "delivered"
	refused   = "refused"
)

func encode(e notify.Entry) ([]byte, error) {
	h := head{Version: formatVersion, Message: e.Message}
	for _, t := range e.Targets {
		h.To = append(h.To, t.To)
	}
	return jsonLine(h)
}

func encodeNote(t notify.Target) []byte {
	n := noteLine{To: t.To, Outcome: delivered}
	if t.Outcome == notify.Refused {
		n.Outcome, n.Reason = refused, t.Reason
	}
	line, err := jsonLine(n)
	if err != nil {
		panic(err) // three strings
	}
	return line
}

// jsonLine returns v as one line of JSON, < > & readable.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// decode reads a message's file. The error says what is wrong with its first
// line. Later lines may be cut short or noisy: a note that cannot be read was
// not made. torn tells that the last line has no end.
func decode(data []byte) (e notify.Entry, torn bool, err error) {
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	if !ok {
		return e, false, errors.New("the first line is cut short")
	}
	var h head
	if err := json.Unmarshal(first, &h); err != nil {
		return e, false, fmt.Errorf("the first line is no message: %w", err)
	}
	if h.Version != formatVersion {
		return e, false, fmt.Errorf("the format has version %d, want %d", h.Version, formatVersion)
	}
	if h.Message.ID == "" || len(h.To) == 0 {
		return e, false, errors.New("the message has no ID or no target")
	}
	e = notify.NewEntry(h.Message, h.To...)
	for line := range bytes.Lines(rest) {
		var n noteLine
		if json.Unmarshal(line, &n) != nil {
			continue
		}
		switch n.Outcome {
		case delivered:
			e.Settle(n.To, notify.Delivered, "")
		case refused:
			e.Settle(n.To, notify.Refused, n.Reason)
		}
	}
	return e, len(rest) > 0 && rest[len(rest)-1] != '\n', nil
}

// fileName returns the name of a message's file: its ID, or a digest where
// the ID does not make a good name.
func fileName(id string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=@+."
	if id != "" && len(id) <= 128 && id[0] != '.' && !strings.HasSuffix(id, reasonSuffix) &&
		strings.Trim(id, letters) == "" {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256=" + hex.EncodeToString(sum[:])
}
