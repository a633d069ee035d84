// Command telegraf gathers once with Telegraf's own input plugin for Supervisor
// from the daemon whose URL is its argument, and prints what it found, sorted.
//
// It is a module of its own because Telegraf's list of dependencies is long,
// and no user of this project should have it.
package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/influxdata/telegraf"
	"github.com/influxdata/telegraf/plugins/inputs/supervisor"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: telegraf URL")
		os.Exit(2)
	}
	if err := gather(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "telegraf: gather from a supervisord:", err)
		os.Exit(1)
	}
}

func gather(url string) error {
	plugin := &supervisor.Supervisor{Server: url} // with every field
	if err := plugin.Init(); err != nil {
		return err
	}
	var p printer
	if err := plugin.Gather(&p); err != nil {
		return err
	}
	slices.Sort(p.lines)
	for _, line := range p.lines {
		fmt.Println(line)
	}
	return p.err
}

// printer is an accumulator that keeps a line for each metric. What the plugin
// does not call is not there.
type printer struct {
	telegraf.Accumulator
	lines []string
	err   error
}

// AddFields is part of telegraf.Accumulator.
func (p *printer) AddFields(measurement string, fields map[string]any, tags map[string]string, _ ...time.Time) {
	p.lines = append(p.lines, fmt.Sprint(measurement, " ", tags, " ", fields))
}

// AddError is part of telegraf.Accumulator.
func (p *printer) AddError(err error) { p.err = err }
