package supervisor

import "github.com/vigilance-go/vigilance/supervisor/config"

// CheckCommand tells why a program's command could not be run if it were
// started now, in the words of its spawn error; nil if it could. It starts
// nothing.
func CheckCommand(p *config.Program) error {
	_, _, err := command(p)
	return err
}
