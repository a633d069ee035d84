package rpc_test

import "strings"

// faultText is how a fault stands in an answer.
func faultText(text string) string {
	return "<name>faultString</name>\n<value><string>" + text + "</string>"
}

const badParameters = "INCORRECT_PARAMETERS"

// steps are calls of every method, with good and with bad arguments.
func steps() []step {
	var all []step
	for _, part := range [][]step{
		introspection(), daemonSteps(), processSteps(), groupSteps(), signalSteps(), logSteps(), inputSteps(),
		multicalls(), reloadSteps(),
	} {
		all = append(all, part...)
	}
	return all
}

func introspection() []step {
	s := []step{
		{call: call("system.listMethods")},
		{call: call("system.listMethods", "x")},
		{call: call("system.methodHelp")},
		{call: call("system.methodHelp", "nothing")},
		{call: call("system.methodHelp", 5)},
		{call: call("system.methodSignature", "nothing")},
		{call: call("system.methodSignature", "")},
		{call: call("nothing")},
		{call: call("supervisor")},
		{call: call("supervisor.nothing")},
		{call: call("supervisor.getstate")},
		{call: call("nothing.getState")},
		{call: call("supervisor.__init__")},
		{call: call("supervisor._update", "x")},
		{call: call("supervisor.supervisord.options.execve", "/bin/sh", raw("<array><data/></array>"), raw("<struct/>"))},
		{call: call("supervisor.supervisord.options.warnings.linecache.os.system", "true")},
		{call: call("system.namespaces")},
		{call: call("system.methodHelp.__self__")},
		{call: call(".")},
		{call: call("..")},
		{call: call("supervisor.")},
		{call: call(".getState")},
	}
	for _, m := range strings.Fields(methodNames) {
		s = append(s, step{call: call("system.methodSignature", m)})
	}
	return s
}

// methodNames are all methods of the reference.
const methodNames = `supervisor.addProcessGroup supervisor.clearAllProcessLogs supervisor.clearLog
	supervisor.clearProcessLog supervisor.clearProcessLogs supervisor.getAPIVersion supervisor.getAllConfigInfo
	supervisor.getAllProcessInfo supervisor.getIdentification supervisor.getPID supervisor.getProcessInfo
	supervisor.getState supervisor.getSupervisorVersion supervisor.getVersion supervisor.readLog
	supervisor.readMainLog supervisor.readProcessLog supervisor.readProcessStderrLog supervisor.readProcessStdoutLog
	supervisor.reloadConfig supervisor.removeProcessGroup supervisor.restart supervisor.sendProcessStdin
	supervisor.sendRemoteCommEvent supervisor.shutdown supervisor.signalAllProcesses supervisor.signalProcess
	supervisor.signalProcessGroup supervisor.startAllProcesses supervisor.startProcess supervisor.startProcessGroup
	supervisor.stopAllProcesses supervisor.stopProcess supervisor.stopProcessGroup supervisor.tailProcessLog
	supervisor.tailProcessStderrLog supervisor.tailProcessStdoutLog system.listMethods system.methodHelp
	system.methodSignature system.multicall`

func daemonSteps() []step {
	return []step{
		{call: call("supervisor.getAPIVersion")},
		{call: call("supervisor.getVersion")},
		{call: call("supervisor.getSupervisorVersion"), want: "<string>4.3.0</string>"}, // Debian's is 4.2.5
		{call: call("supervisor.getIdentification")},
		{call: call("supervisor.getState")},
		{call: call("supervisor.getState", 1)},
		{call: call("supervisor.getPID")},
		{call: call("supervisor.getProcessInfo", "cat"), until: "RUNNING"},
		{call: call("supervisor.getProcessInfo", "noisy"), until: "RUNNING"},
		{call: call("supervisor.getProcessInfo", "undecodable"), until: "RUNNING"},
		{call: call("supervisor.getAllProcessInfo")},
		{call: call("supervisor.getAllConfigInfo")},
		{call: call("supervisor.getProcessInfo", "g:solo")},
		{call: call("supervisor.getProcessInfo")},
		{call: call("supervisor.getProcessInfo", "cat", "cat")},
		{call: call("supervisor.getProcessInfo", "nothing")},
		{call: call("supervisor.getProcessInfo", "solo")},
		{call: call("supervisor.getProcessInfo", "g:*")},
		{call: call("supervisor.getProcessInfo", "g:")},
		{call: call("supervisor.getProcessInfo", "g:nothing")},
		{call: call("supervisor.getProcessInfo", ":")},
		{call: call("supervisor.getProcessInfo", "")},
		{call: call("supervisor.getProcessInfo", "<&>\u00e4")},
		{call: call("supervisor.getProcessInfo", 5), want: faultText(badParameters)}, // 500
	}
}

func processSteps() []step {
	return []step{
		{call: call("supervisor.startProcess", "g:solo")},
		{call: call("supervisor.startProcess", "g:solo")},
		{call: call("supervisor.getProcessInfo", "g:solo")},
		{call: call("supervisor.stopProcess", "g:solo")},
		{call: call("supervisor.stopProcess", "g:solo")},
		{call: call("supervisor.getProcessInfo", "g:solo")},
		{call: call("supervisor.startProcess", "g:solo", false)},
		{call: call("supervisor.stopProcess", "g:solo", true)},
		{call: call("supervisor.startProcess", "g:solo", 0)},
		{call: call("supervisor.stopProcess", "g:solo", "")},
		{call: call("supervisor.getProcessInfo", "g:solo"), until: "STOPPED"},
		{call: call("supervisor.startProcess", "missing")},
		{call: call("supervisor.startProcess", "folder")},
		{call: call("supervisor.startProcess", "fails")},
		{call: call("supervisor.getProcessInfo", "fails"), until: "FATAL"},
		{call: call("supervisor.startProcess", "nothing")},
		{call: call("supervisor.startProcess", "nothing:*")},
		{call: call("supervisor.startProcess", "g:nothing")},
		{call: call("supervisor.startProcess", "")},
		{call: call("supervisor.startProcess")},
		{call: call("supervisor.startProcess", "cat", true, true)},
		{call: call("supervisor.startProcess", raw("<nil/>")), want: faultText(badParameters)}, // 500
		{call: call("supervisor.stopProcess", "nothing")},
		{call: call("supervisor.stopProcess", "nothing:*")},
		{call: call("supervisor.stopProcess", "missing")},
		{call: call("supervisor.stopProcess")},
		{call: call("supervisor.stopProcess", 1), want: faultText(badParameters)}, // 500
	}
}

func groupSteps() []step {
	return []step{
		{call: call("supervisor.startProcessGroup", "g")},
		{call: call("supervisor.startProcessGroup", "g")},
		{call: call("supervisor.stopProcessGroup", "g"), anyOrder: true},
		{call: call("supervisor.stopProcessGroup", "g")},
		{call: call("supervisor.startProcess", "g:*")},
		{call: call("supervisor.stopProcess", "g:*"), anyOrder: true},
		{call: call("supervisor.startProcess", "g:", true)},
		{call: call("supervisor.stopProcess", "g:", true), anyOrder: true},
		{call: call("supervisor.startProcessGroup", "g", false)},
		{call: call("supervisor.stopProcessGroup", "g", false)},
		{call: call("supervisor.getProcessInfo", "g:solo"), until: "STOPPED"},
		{call: call("supervisor.getProcessInfo", "g:sleeper_0"), until: "STOPPED"},
		{call: call("supervisor.getProcessInfo", "g:sleeper_1"), until: "STOPPED"},
		{call: call("supervisor.getAllProcessInfo")},
		{call: call("supervisor.startProcessGroup", "nothing")},
		{call: call("supervisor.startProcessGroup", "")},
		{call: call("supervisor.startProcessGroup", 5)},
		{call: call("supervisor.startProcessGroup", raw("<double>5</double>"))},
		{call: call("supervisor.startProcessGroup", true)},
		{call: call("supervisor.startProcessGroup", raw("<nil/>"))},
		{call: call("supervisor.startProcessGroup", []any{})},
		{call: call("supervisor.startProcessGroup")},
		{call: call("supervisor.stopProcessGroup", "nothing")},
		{call: call("supervisor.stopProcessGroup")},
		{call: call("supervisor.stopProcessGroup", "g", 1, 2)},
		{call: call("supervisor.startAllProcesses", true, true)},
		{call: call("supervisor.stopAllProcesses", true, true)},
	}
}

func signalSteps() []step {
	return []step{
		{call: call("supervisor.signalProcess", "cat", "CONT")},
		{call: call("supervisor.signalProcess", "cat", "sigcont")},
		{call: call("supervisor.signalProcess", "cat", " 18 ")},
		{call: call("supervisor.signalProcess", "cat", 18)},
		{call: call("supervisor.signalProcess", "cat", raw("<double>18.7</double>"))},
		{call: call("supervisor.signalProcess", "cat", 0)},
		{call: call("supervisor.signalProcess", "cat", 99)},
		{call: call("supervisor.signalProcess", "cat", -1)},
		{call: call("supervisor.signalProcess", "cat", "NOPE")},
		{call: call("supervisor.signalProcess", "cat", "")},
		{call: call("supervisor.signalProcess", "cat", []any{}), want: faultText(badParameters)}, // 500
		{call: call("supervisor.signalProcess", "cat")},
		{call: call("supervisor.signalProcess", "nothing", "NOPE")},
		{call: call("supervisor.signalProcess", "g:solo", "HUP")},
		{call: call("supervisor.signalProcess", "g:*", "HUP")},
		{call: call("supervisor.signalProcess", "nothing:*", "HUP")},
		{call: call("supervisor.signalProcess", "cat:*", "CONT")},
		{call: call("supervisor.signalProcess", "cat:*", "NOPE")},
		{call: call("supervisor.signalProcessGroup", "cat", "CONT")},
		{call: call("supervisor.signalProcessGroup", "g", "CONT")},
		{call: call("supervisor.signalProcessGroup", "nothing", "CONT")},
		{call: call("supervisor.signalProcessGroup", "cat", "NOPE")},
		{call: call("supervisor.signalProcessGroup", "cat")},
		{call: call("supervisor.signalAllProcesses", "CONT")},
		{call: call("supervisor.signalAllProcesses", 18)},
		{call: call("supervisor.signalAllProcesses", "NOPE")},
		{call: call("supervisor.signalAllProcesses")},
	}
}

func logSteps() []step {
	s := []step{
		{call: call("supervisor.tailProcessStdoutLog", "noisy", 0, 100), until: "&amp;"},
		{call: call("supervisor.tailProcessStderrLog", "noisy", 0, 100), until: "error"},
		{call: call("supervisor.readProcessStdoutLog", "undecodable", 0, 0), want: "<string>\u00e4\uFFFD\uFFFD[1m</string>"}, // 500
		{call: call("supervisor.tailProcessStdoutLog", "undecodable", 0, 9), want: "<string>\u00e4\uFFFD\uFFFD[1m</string>"}, // 500
		{call: call("supervisor.readProcessStdoutLog", "undecodable", 1, 1), want: "<string>\uFFFD</string>"},                // 500
		{call: call("supervisor.readLog", 0, 20)},
		{call: call("supervisor.readMainLog", 0, 20)},
		{call: call("supervisor.readLog", 20, -1)},
		{call: call("supervisor.readLog", -1, 1)},
		{call: call("supervisor.readLog", 0)},
		{call: call("supervisor.readLog", raw("<nil/>"), 0)},
		{call: call("supervisor.readProcessLog", "missing", 0, 0)},
		{call: call("supervisor.readProcessLog", "cat", 0, 0)},
		{call: call("supervisor.readProcessStderrLog", "cat", 0, 0)},
		{call: call("supervisor.readProcessStderrLog", "cat", "x", "y")},
		{call: call("supervisor.tailProcessStderrLog", "cat", "x", "y")},
		{call: call("supervisor.clearLog")},
		{call: call("supervisor.clearLog", 1)},
		{call: call("supervisor.clearProcessLogs", "noisy")},
		{call: call("supervisor.readProcessLog", "noisy", 0, 0)},
		{call: call("supervisor.clearProcessLog", "cat")},
		{call: call("supervisor.clearProcessLogs", "missing")},
		{call: call("supervisor.clearProcessLogs", "nothing")},
		{call: call("supervisor.clearProcessLogs", "g:*")},
		{call: call("supervisor.clearProcessLogs")},
		{call: call("supervisor.clearAllProcessLogs")},
		{call: call("supervisor.clearAllProcessLogs", 1)},
	}
	for _, args := range [][]any{
		{0, 0}, {0, 5}, {5, 5}, {5, 0}, {100, 0}, {100, 5}, {-5, 0}, {-100, 0}, {-5, 5}, {5, -5}, {-5, -5},
		{"5", " 5 "}, {"+5", "0_5"}, {raw("<double>5.9</double>"), true}, {raw("<i4>5</i4>"), raw("<i8>5</i8>")},
		{0, 1 << 30}, {1 << 30, 1 << 30}, {-1 << 30, 0}, {raw("<double>-5.9</double>"), false},
		{0, 24}, {0, 25}, {0, 26}, {24, 1}, {25, 1}, {26, 1}, {3, 10}, {20, 10}, {20, 100},
	} {
		for _, m := range []string{"readProcessStdoutLog", "tailProcessStdoutLog"} {
			s = append([]step{{call: call("supervisor."+m, append([]any{"noisy"}, args...)...)}}, s...)
		}
	}
	for _, m := range []string{
		"readProcessLog", "readProcessStdoutLog", "readProcessStderrLog",
		"tailProcessLog", "tailProcessStdoutLog", "tailProcessStderrLog",
	} {
		s = append(s,
			step{call: call("supervisor."+m, "noisy", 0, 10)},
			step{call: call("supervisor."+m, "nothing", 0, 10)},
			step{call: call("supervisor."+m, "g:*", 0, 10)},
			step{call: call("supervisor."+m, "noisy", 0)},
			step{call: call("supervisor."+m, "noisy", 0, 0, 0)},
			step{call: call("supervisor."+m, "noisy", []any{}, 0)},
			step{call: call("supervisor."+m, "noisy", "x", 0), want: faultText(badParameters)},                         // 500
			step{call: call("supervisor."+m, "noisy", 0, raw("<double>nan</double>")), want: faultText(badParameters)}, // 500
			step{call: call("supervisor."+m, 1, 0, 0), want: faultText(badParameters)},                                 // 500
		)
	}
	return append([]step{{call: call("supervisor.tailProcessStdoutLog", "noisy", 0, 100), until: "&amp;"}}, s...)
}

func inputSteps() []step {
	return []step{
		{call: call("supervisor.sendProcessStdin", "cat", "hello <w\u00f6rld>\n")},
		{call: call("supervisor.sendProcessStdin", "cat", "")},
		{call: call("supervisor.sendProcessStdin", "cat", raw("<base64>aGkK</base64>"))},
		{call: call("supervisor.readProcessLog", "cat", 0, 0), until: "hi"},
		{call: call("supervisor.sendProcessStdin", "cat", 5)},
		{call: call("supervisor.sendProcessStdin", "cat", true)},
		{call: call("supervisor.sendProcessStdin", "cat", raw("<double>1.5</double>"))},
		{call: call("supervisor.sendProcessStdin", "cat", raw("<nil/>"))},
		{call: call("supervisor.sendProcessStdin", "nothing", 5)},
		{call: call("supervisor.sendProcessStdin", "nothing", "x")},
		{call: call("supervisor.sendProcessStdin", "g:*", "x")},
		{call: call("supervisor.sendProcessStdin", "g:solo", "x")},
		{call: call("supervisor.sendProcessStdin", "cat")},
		{call: call("supervisor.sendProcessStdin", 5, "x"), want: faultText(badParameters)}, // 500
		{call: call("supervisor.sendRemoteCommEvent", "kind", "data")},
		{call: call("supervisor.sendRemoteCommEvent", "", "")},
		{call: call("supervisor.sendRemoteCommEvent", 1, true)},
		{call: call("supervisor.sendRemoteCommEvent", "kind")},
	}
}

func multicalls() []step {
	one := func(method string, params ...any) any {
		m := map[string]any{"methodName": method}
		if params != nil {
			m["params"] = params
		}
		return m
	}
	return []step{
		{call: call("system.multicall", []any{})},
		{call: call("system.multicall", []any{one("supervisor.getState"), one("supervisor.getPID", []any{}...), one("system.listMethods")})},
		{call: call("system.multicall", []any{
			one("supervisor.startProcess", "g:solo"), one("supervisor.getProcessInfo", "g:solo"),
			one("supervisor.stopProcess", "g:solo"), one("supervisor.getProcessInfo", "g:solo"),
			one("supervisor.startProcess", "fails"), one("supervisor.stopProcess", "nothing"),
			one("supervisor.startProcessGroup", "g"), one("supervisor.stopProcess", "g:*"),
		}), anyOrder: true},
		{call: call("system.multicall", []any{one("system.multicall", []any{}), one("supervisor.getState", 1), one("nothing")})},
		{call: call("system.multicall", []any{map[string]any{}, map[string]any{"params": []any{}}})},
		{call: call("system.multicall", []any{one("supervisor.supervisord.options.execve", "x"), one("supervisor.__class__"), one("supervisor._update", "x"), one("system.namespaces.clear"), one("keys"), one("supervisor")})},
		{call: call("system.multicall", []any{map[string]any{"methodName": "supervisor.getState", "params": 5}})},
		{call: call("system.multicall", []any{map[string]any{"methodName": 5}}), want: faultText(badParameters + ": No methodName")}, // FAILED
		{call: call("system.multicall", []any{"x"}), want: faultText(badParameters)},                                                 // 500
		{call: call("system.multicall", "x"), want: faultText(badParameters)},                                                        // 500
		{call: call("system.multicall", 5)},
		{call: call("system.multicall", map[string]any{})},
		{call: call("system.multicall")},
		{call: call("system.multicall", []any{}, 1)},
	}
}

func reloadSteps() []step {
	return []step{
		{call: call("supervisor.reloadConfig")},
		{call: call("supervisor.reloadConfig", 1)},
		{call: call("supervisor.getAllConfigInfo")},
		{call: call("supervisor.addProcessGroup", "cat")},
		{call: call("supervisor.addProcessGroup", "nothing")},
		{call: call("supervisor.addProcessGroup", 5)},
		{call: call("supervisor.addProcessGroup")},
		{call: call("supervisor.removeProcessGroup", "cat")},
		{call: call("supervisor.removeProcessGroup", "nothing")},
		{call: call("supervisor.removeProcessGroup", "")},
		{call: call("supervisor.removeProcessGroup", 5)},
		{call: call("supervisor.removeProcessGroup", []any{})},
		{call: call("supervisor.removeProcessGroup")},
		{call: call("supervisor.removeProcessGroup", "auto")},
		{call: call("supervisor.getAllConfigInfo")},
		{call: call("supervisor.getProcessInfo", "auto")},
		{call: call("supervisor.addProcessGroup", "auto")},
		{call: call("supervisor.getAllConfigInfo")},
		{call: call("supervisor.stopAllProcesses"), anyOrder: true},
		{call: call("supervisor.restart", 1)},
		{call: call("supervisor.shutdown", 1)},
	}
}
