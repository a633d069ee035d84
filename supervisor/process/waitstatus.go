package process

import "strconv"

// bySignal is the exit status that stands for an end by a signal.
const bySignal = -1

// DescribeEnd says how a process ended, in the words of the log: "exit status
// 1", "terminated by SIGSEGV (core dumped)". Its argument is a wait status as
// wait4 gives it on Linux and the BSDs.
func DescribeEnd(waitStatus uint32) string {
	_, text := decodeWaitStatus(waitStatus)
	return text
}

// decodeWaitStatus returns the exit status, or bySignal, and its description.
func decodeWaitStatus(ws uint32) (code int, text string) {
	const (
		signalMask = 0x7f
		coreFlag   = 0x80
		stopped    = 0x7f // in place of a signal: not an end at all
	)
	switch sig := int(ws & signalMask); sig {
	case 0:
		code = int(ws >> 8 & 0xff)
		return code, "exit status " + strconv.Itoa(code)
	case stopped:
		hex := strconv.FormatUint(uint64(ws), 16)
		for len(hex) < 4 {
			hex = "0" + hex
		}
		return bySignal, "unknown termination cause 0x" + hex
	default:
		text = "terminated by " + SignalName(sig)
		if ws&coreFlag != 0 {
			text += " (core dumped)"
		}
		return bySignal, text
	}
}
