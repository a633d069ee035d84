package listener_test

import (
	"testing"

	"github.com/vigilance-go/vigilance/internal/tutorial"
)

// The code of docs/listeners.md is a program and its test.
func TestTheTutorialsCodeWorks(t *testing.T) {
	tutorial.Check(t, "../docs/listeners.md", "main.go", "main_test.go")
}
