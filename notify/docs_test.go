package notify_test

import (
	"testing"

	"github.com/vigilance-go/vigilance/internal/tutorial"
)

// The code of docs/notifiers.md is a notifier, a program and its test.
func TestTheTutorialsCodeWorks(t *testing.T) {
	tutorial.Check(t, "../docs/notifiers.md", "matrix.go", "main.go", "main_test.go")
}
