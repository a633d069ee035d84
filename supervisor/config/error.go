package config

import "fmt"

// Error is what is wrong with a configuration. Its text is the reference's,
// byte for byte, wherever the reference has one.
type Error struct {
	Text string
	// Section and Key say where the value stands. Key is empty where no single
	// option is at fault, and both are where no section is.
	Section, Key string
}

// Error returns the reference's text, which often names neither the section
// nor the option: see Location.
func (e *Error) Error() string { return e.Text }

// Location returns "[section] key", "[section]", or nothing.
func (e *Error) Location() string {
	switch {
	case e.Section == "":
		return ""
	case e.Key == "":
		return "[" + e.Section + "]"
	}
	return "[" + e.Section + "] " + e.Key
}

// refErrorf is fmt.Errorf for the words of the reference or of Python, which
// now and then begin with a capital.
func refErrorf(format string, args ...any) error { return fmt.Errorf(format, args...) }
