package rpc

import (
	"cmp"
	"slices"
	"time"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// infoMethods tell what there is.
func infoMethods() []method {
	return []method{{
		name:  "getProcessInfo",
		needs: config.RoleObserver,
		summary: "Tell about one process: name, group, description (as status shows it), start,\n" +
			"stop and now (seconds since 1970), state, statename, spawnerr, exitstatus, pid,\n" +
			"stdout_logfile, stderr_logfile, and logfile, which is stdout_logfile.",
		params: []tag{processParam},
		result: tag{"struct", "result", "what is known about the process"},
		call:   getProcessInfo,
	}, {
		name:    "getAllProcessInfo",
		needs:   config.RoleObserver,
		summary: "Tell about every process what getProcessInfo tells about one, sorted by group\nand name.",
		result:  tag{"array", "result", "a struct for each process"},
		call:    getAllProcessInfo,
	}, {
		name:  "getAllConfigInfo",
		needs: config.RoleObserver,
		summary: "Tell the options of every process in the configuration that was read last, sorted\n" +
			"by name. An option that is not set is none, a log whose name is the daemon's\n" +
			"choice is auto until it is made.",
		result: tag{"array", "result", "a struct for each process"},
		call:   getAllConfigInfo,
	}}
}

func getProcessInfo(r *request) error {
	name, err := r.namespec(0)
	if err != nil {
		return err
	}
	info, err := r.daemon.ProcessInfo(r.ctx, name)
	if err != nil {
		return badName(err, name)
	}
	appendInfo(r.out, &info, nil)
	return nil
}

func getAllProcessInfo(r *request) error {
	r.out.BeginArray()
	var room []byte
	err := r.daemon.EachProcessInfo(r.ctx, func(info *supervisor.ProcessInfo) {
		room = appendInfo(r.out, info, room)
	})
	r.out.EndArray()
	return err
}

// appendInfo appends a process info, its members in the reference's order. It
// returns room, perhaps grown, for use with the next one.
func appendInfo(out *xmlrpc.Answer, info *supervisor.ProcessInfo, room []byte) []byte {
	out.BeginStruct()
	out.StringMember("name", info.Name)
	out.StringMember("group", info.Group)
	out.IntMember("start", epoch(info.Start))
	out.IntMember("stop", epoch(info.Stop))
	out.IntMember("now", epoch(info.Now))
	out.IntMember("state", int64(info.State))
	out.StringMember("statename", info.State.String())
	out.StringMember("spawnerr", info.SpawnErr)
	out.IntMember("exitstatus", int64(info.ExitStatus))
	out.StringMember("logfile", info.Stdout)
	out.StringMember("stdout_logfile", info.Stdout)
	out.StringMember("stderr_logfile", info.Stderr)
	out.IntMember("pid", int64(info.PID))
	room = info.AppendDescription(room[:0])
	out.BeginMember("description")
	out.Data(room)
	out.EndMember()
	out.EndStruct()
	return room
}

// epoch returns seconds since 1970, and 0 for a time that never was.
func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// programInfo is a program with what its group adds.
type programInfo struct {
	*config.Program
	group *config.Group
	inUse bool
}

func getAllConfigInfo(r *request) error {
	groups, err := r.daemon.AllConfigInfo(r.ctx)
	if err != nil {
		return err
	}
	autoLogs, err := r.daemon.AutoLogs(r.ctx)
	if err != nil {
		return err
	}
	var programs []programInfo
	for _, g := range groups {
		for _, p := range g.Group.Programs {
			programs = append(programs, programInfo{p, g.Group, g.InUse})
		}
	}
	slices.SortStableFunc(programs, func(a, b programInfo) int { return cmp.Compare(a.Name, b.Name) })
	r.out.BeginArray()
	for _, p := range programs {
		appendConfig(r.out, p, autoLogs[p.Program])
	}
	r.out.EndArray()
	return nil
}

// appendConfig appends the options of a process, in the reference's order.
// autoLogs are the names of the logs that the daemon chose.
func appendConfig(out *xmlrpc.Answer, p programInfo, autoLogs [2]string) {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	out.BeginStruct()
	out.BoolMember("autostart", p.AutoStart)
	out.StringMember("directory", cmp.Or(p.Directory, "none"))
	if p.UID == nil {
		out.StringMember("uid", "none")
	} else {
		out.IntMember("uid", int64(*p.UID))
	}
	out.StringMember("command", p.Command)
	out.BeginMember("exitcodes")
	out.BeginArray()
	for _, code := range p.ExitCodes {
		out.Int(int64(code))
	}
	out.EndArray()
	out.EndMember()
	out.StringMember("group", p.group.Name)
	out.IntMember("group_prio", int64(p.group.Priority))
	out.BoolMember("inuse", p.inUse)
	out.BoolMember("killasgroup", p.KillAsGroup)
	out.StringMember("name", p.Name)
	out.IntMember("process_prio", int64(p.Priority))
	out.BoolMember("redirect_stderr", p.RedirectStderr)
	out.IntMember("startretries", int64(p.StartRetries))
	out.IntMember("startsecs", seconds(p.StartSecs))
	appendLog(out, "stdout", &p.Stdout, autoLogs[0])
	out.IntMember("stopsignal", int64(p.StopSignal))
	out.IntMember("stopwaitsecs", seconds(p.StopWaitSecs))
	appendLog(out, "stderr", &p.Stderr, autoLogs[1])
	out.StringMember("serverurl", cmp.Or(p.ServerURL, "none"))
	out.EndStruct()
}

// appendLog appends the options of one log. autoLog is its name where that is
// the daemon's choice and the log is made.
func appendLog(out *xmlrpc.Answer, stream string, l *config.Log, autoLog string) {
	out.IntMember(stream+"_capture_maxbytes", l.CaptureMaxBytes)
	out.BoolMember(stream+"_events_enabled", l.EventsEnabled)
	out.StringMember(stream+"_logfile", logName(l, autoLog))
	out.IntMember(stream+"_logfile_backups", int64(l.Backups))
	out.IntMember(stream+"_logfile_maxbytes", l.MaxBytes)
	out.BoolMember(stream+"_syslog", l.Syslog)
}

// logName tells where a log goes.
func logName(l *config.Log, autoLog string) string {
	switch l.Target {
	case config.LogNone:
	case config.LogAuto:
		return cmp.Or(autoLog, "auto")
	case config.LogFile:
		return l.File
	}
	return "none"
}
