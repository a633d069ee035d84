// Command echo_supervisord_conf prints a configuration file for supervisord
// that has every option, with a remark on each. It takes the place of
// Supervisor's command of that name.
package main

import (
	_ "embed" // for the sample
	"fmt"
	"os"
)

//go:embed sample.conf
var sample []byte

func main() {
	// Arguments mean nothing, as with Supervisor's.
	if _, err := os.Stdout.Write(sample); err != nil {
		fmt.Fprintln(os.Stderr, "echo_supervisord_conf: print the sample:", err)
		os.Exit(1)
	}
}
