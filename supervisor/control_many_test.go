package supervisor

import (
	"slices"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// TestResultsAreInTheOrderOfTheirComing has the order in which Python's
// supervisord answers: what is known at once comes first, what takes long last.
func TestResultsAreInTheOrderOfTheirComing(t *testing.T) {
	r := start(t, alone(
		program("group", "/bin/sleep 1000", manual, func(p *config.Program) { p.StartSecs = 2 * time.Second }),
		program("b", "/bin/sleep 1000", manual),
		program("c", "/bin/sleep 1000", manual, quick),
		program("d", "/nonexistent/d", manual),
		program("e", "/bin/sleep 1000", manual, quick),
		program("f", "/bin/sleep 1000", manual),
	))
	got, err := r.StartGroup(t.Context(), "group", true)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, result := range got {
		names = append(names, result.Name)
	}
	if want := []string{"c", "d", "e", "b", "f", "group"}; !slices.Equal(names, want) {
		t.Errorf("StartGroup(group) = %v, want them in the order %v", got, want)
	}
}
