package check

import (
	"strings"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// ReprList returns texts as Python's repr() shows a list of strings.
func ReprList(texts []string) string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = config.PyRepr(text)
	}
	return "[" + strings.Join(shown, ", ") + "]"
}
