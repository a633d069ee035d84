package osproc

import (
	"fmt"
	"testing"
)

func TestEnsureLimitAgreesWithSupervisor(t *testing.T) {
	needRoot(t)
	needLinux(t)
	const script = `
import os, sys
from supervisor.options import ServerOptions
name, least, uid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
flag = dict(RLIMIT_NOFILE='n', RLIMIT_NPROC='p')[name]
os.setuid(uid)
o = ServerOptions()
o.minfds = o.minprocs = 1
setattr(o, dict(n='minfds', p='minprocs')[flag], least)
def usage(msg):
    print('note ""\nerror ' + msg)
    sys.exit(0)
o.usage = usage
o.set_rlimits_or_exit()
print('note "' + ''.join(o.parse_infos) + '"', flush=True)
os.system('ulimit -S%s; ulimit -H%s' % (flag, flag))
`
	files, processes := "ulimit -n %d; ulimit -Sn %d; exec \"$@\"", "ulimit -p %d; ulimit -Sp %d; exec \"$@\""
	tests := []struct {
		limit                  Limit
		soft, hard, least, uid int
		setUp                  string
	}{
		{LimitNoFile, 256, 4096, 1024, 0, files},      // raised
		{LimitNoFile, 2000, 4096, 1024, 0, files},     // enough
		{LimitNoFile, 1024, 1024, 1024, 0, files},     // just enough
		{LimitNoFile, 256, 4096, 4096, 0, files},      // up to the hard limit
		{LimitNoFile, 512, 512, 1024, 0, files},       // beyond it, as root
		{LimitNoFile, 256, 512, 1024, 54321, files},   // beyond it, refused
		{LimitNoFile, 256, 4096, 1024, 54321, files},  // raised without root
		{LimitNoFile, 256, 4096, 0, 0, files},         // nothing wanted
		{LimitNProc, 100, 4000, 200, 0, processes},    // raised
		{LimitNProc, 300, 4000, 200, 0, processes},    // enough
		{LimitNProc, 100, 100, 200, 0, processes},     // beyond the hard limit, as root
		{LimitNProc, 100, 150, 200, 54321, processes}, // refused
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %d of %d for %d as %d", tt.limit, tt.soft, tt.hard, tt.least, tt.uid), func(t *testing.T) {
			wrapper := fmt.Sprintf(tt.setUp, tt.hard, tt.soft)
			want := python(t, script, wrapper, string(tt.limit), fmt.Sprint(tt.least), fmt.Sprint(tt.uid))
			got := nested(t, "limit", wrapper, "LIMIT_NAME="+string(tt.limit),
				fmt.Sprintf("LIMIT_LEAST=%d", tt.least), fmt.Sprintf("LIMIT_UID=%d", tt.uid))
			if got != want {
				t.Errorf("EnsureLimit and what a child sees:\n got %swant %s", got, want)
			}
		})
	}
}
