"""Drives supervisor.process.Subprocess through scripts, one JSON object a line.

Everything around the process is faked: the clock, fork, kill, the log and the
list of events. Each "check" answers with one line: what was logged, announced
and killed since the last one, and the attributes of the process.

Times come in milliseconds. Each operation happens a nanosecond after the one
before, in addition: so the process is always polled just after a deadline that
the script names exactly, and never ends at the very moment of its start.
"""
import errno
import json
import signal
import sys
from fractions import Fraction
from types import SimpleNamespace

from supervisor import events, process
from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.options import ProcessException, signame
from supervisor.states import SupervisorStates, getProcessStateDescription


class World:
    """The clock, and everything that the process does to its surroundings."""

    def __init__(self):
        self.now = Fraction(0)
        self.ops = 0
        self.out = []
        self.kill_result = "ok"
        self.pid = 0
        self.spawn_error = None
        self.mood = SupervisorStates.RUNNING
        self.pidhistory = {}
        self.logger = self

    def time(self):
        return self.now

    def advance_to(self, ms):
        self.ops += 1
        self.now = Fraction(ms, 1000) + Fraction(self.ops, 10**9)

    # the logger
    def debug(self, text):
        self.out.append("debug " + text)

    def info(self, text):
        self.out.append("info " + text)

    def warn(self, text):
        self.out.append("warn " + text)

    def critical(self, text):
        head, _, trace = text.partition("):Traceback")
        self.out.append("critical " + head + "):" + trace.strip().rpartition("Error: ")[2])

    # the options
    def fork(self):
        return self.pid

    def close_child_pipes(self, pipes):
        pass

    close_parent_pipes = close_child_pipes

    def kill(self, pid, sig):
        self.out.append("kill %d %s" % (pid, signame(sig)))
        if self.kill_result == "gone":
            raise OSError(errno.ESRCH, "No such process")
        if self.kill_result == "error":
            raise OSError(errno.EPERM, "Operation not permitted")

    # the events
    def notify(self, event):
        words = ["notify", getProcessStateDescription(event.process.state),
                 "from", getProcessStateDescription(event.from_state)]
        words += ["%s:%s" % pair for pair in event.extra_values]
        self.out.append(" ".join(words))


class Proc(process.Subprocess):
    """A process whose start waits for "answer", which says how it goes."""

    wanted = False

    def spawn(self):
        if self.pid:
            super().spawn()
        else:
            self.wanted = True

    def get_execv_args(self):
        if self.config.options.spawn_error is not None:
            raise ProcessException(self.config.options.spawn_error)
        return "/bin/x", ["x"]


def make(world, c):
    config = SimpleNamespace(**c)
    config.options = world
    config.autorestart = [False, RestartWhenExitUnexpected, RestartUnconditionally][c["autorestart"]]
    config.make_dispatchers = lambda proc: ({}, {})
    process.time = world
    events.clear()
    events.subscribe(events.ProcessStateEvent, world.notify)
    return Proc(config)


def answer(world, proc, op):
    if not proc.wanted:
        world.out.append("nobody wanted a spawn")
    proc.wanted = False
    world.pid = op.get("pid", 0)
    world.spawn_error = op.get("reason")
    process.Subprocess.spawn(proc)


def check(world, proc, op):
    if op["in_flight"]:
        return {"wanted": proc.wanted}
    out, world.out = world.out, []
    return {
        "wanted": proc.wanted,
        "out": out,
        "state": proc.state,
        "pid": proc.pid,
        "tries": proc.backoff,
        "exitstatus": proc.exitstatus or 0,
        "spawnerr": proc.spawnerr or "",
        "killing": proc.killing,
        "administrative_stop": proc.administrative_stop,
        "system_stop": proc.system_stop,
        "laststart": int(proc.laststart * 1000),
        "laststop": int(proc.laststop * 1000),
    }


def run(world, proc, op):
    world.advance_to(op["t"])
    world.kill_result = op.get("kill", "ok")
    name = op["op"]
    if name == "start":
        proc.spawn()
    elif name == "answer":
        answer(world, proc, op)
    elif name == "ended":
        proc.finish(proc.pid, op["status"])
    elif name == "poll":
        proc.transition()
    elif name == "adjust":  # a poll that is too early to do more
        proc._check_and_adjust_for_system_clock_rollback(world.time())
    elif name == "stop":
        proc.stop()
    elif name == "stopall":
        process.ProcessGroupBase.stop_all(SimpleNamespace(processes={"x": proc}))
    elif name == "report":
        proc.stop_report()
    elif name == "signal":
        proc.signal(op["number"])
    elif name == "shuttingdown":
        world.mood = SupervisorStates.SHUTDOWN
    else:
        raise ValueError(name)


def main():
    world = proc = None
    for line in sys.stdin:
        op = json.loads(line)
        if op["op"] == "new":
            world = World()
            proc = make(world, op["config"])
        elif op["op"] == "check":
            print(json.dumps(check(world, proc, op)))
        else:
            try:
                run(world, proc, op)
            except AssertionError as why:
                world.out.append("AssertionError " + str(why))


main()
