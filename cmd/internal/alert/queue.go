package alert

import (
	"log/slog"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// OpenQueue opens the spool of a listener group, in dir or, when that is
// empty, in the default place. Where there can be none it warns once and
// returns a queue in memory; durable tells which it is. What the disk cannot
// take later waits in memory too.
func OpenQueue(dir, group string, log *slog.Logger) (queue notify.Queue, durable bool) {
	folder, err := spoolDir(dir, group)
	if err == nil {
		dir = folder
		var s *spool.Spool
		if s, err = spool.Open(dir, spool.Options{Log: log}); err == nil {
			return notify.NewFallback(s, notify.NewMemory(0), log), true
		}
	}
	log.Warn("there is no spool, so messages are kept in memory, and those not yet delivered are lost when this process ends; name a folder with --spool",
		"dir", dir, "err", err)
	return notify.NewMemory(0), false
}
