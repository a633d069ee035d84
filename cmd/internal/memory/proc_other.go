//go:build !linux

package memory

import "fmt"

// openProc says that there is no /proc as Linux has it.
func openProc() (*psTable, error) { return nil, fmt.Errorf("open /proc: %w", errNoProc) }
