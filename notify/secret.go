package notify

import "log/slog"

// Secret is a string that is not printed: neither by fmt, nor by slog, nor by
// encoding/json, also where it is part of something that is. Convert it to a
// string to use it.
type Secret string

const secretShown = "********"

// String returns asterisks, or nothing for the empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return secretShown
}

// GoString implements fmt.GoStringer like String.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue implements slog.LogValuer like String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler like String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
