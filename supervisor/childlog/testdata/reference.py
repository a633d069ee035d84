"""Answers questions about the reference's log handling.

Reads one JSON request from standard input, {"kind": ..., "cases": [...]}, and
writes the list of answers. Bytes travel as latin-1 strings.
"""
import json
import os
import re
import sys
import tempfile

from supervisor import dispatchers, loggers, options


def rotate(case):
    """File names and contents after writes of the given sizes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        for name, size in case["before"].items():
            with open(os.path.join(folder, name), "wb") as f:
                f.write(name[-1].encode() * size)
        logger = loggers.getLogger()
        loggers.handle_file(logger, path, "%(message)s", not not case["max"],
                            case["max"], case["backups"])
        for i, size in enumerate(case["writes"]):
            logger.info(bytes([97 + i % 26]) * size)
        logger.close()
        return {name: open(os.path.join(folder, name), "rb").read().decode("latin-1")
                for name in os.listdir(folder)}


def strip(case):
    return dispatchers.stripEscapes(case.encode("latin-1")).decode("latin-1")


class Recorder:
    """A process, its config and options, as far as a dispatcher asks."""

    def __init__(self, case):
        self.name, self.pid, self.config, self.options = "p", 1, self, self
        self.stdout_logfile = os.path.join(case["folder"], "log")
        self.stdout_logfile_maxbytes = self.stdout_logfile_backups = 0
        self.stdout_syslog = False
        self.stdout_capture_maxbytes = case["capture"]
        self.stdout_events_enabled = self.stderr_events_enabled = True
        self.strip_ansi = case["strip"]
        self.loglevel = loggers.LevelsByName.INFO
        self.logger = loggers.getLogger()
        self.getLogger = loggers.getLogger
        self.chunks = [c.encode("latin-1") for c in case["chunks"]] + [b""]

    def readfd(self, fd):
        return self.chunks.pop(0)


def dispatch(case):
    """What is logged, captured, told as events, and left over at the end."""
    from supervisor import events
    captures, told = [], []

    def notify(event):
        if isinstance(event, events.ProcessCommunicationEvent):
            captures.append(event.data.decode("latin-1"))
        else:
            told.append(event.data.decode("latin-1"))
    dispatchers.notify = notify
    with tempfile.TemporaryDirectory() as folder:
        process = Recorder(dict(case, folder=folder))
        d = dispatchers.POutputDispatcher(
            process, events.ProcessCommunicationStdoutEvent, 0)
        while process.chunks:
            d.handle_read_event()
        with open(process.stdout_logfile, "rb") as f:
            log = f.read().decode("latin-1")
        return {"log": log, "captures": captures, "told": "".join(told),
                "left": d.output_buffer.decode("latin-1"), "capturing": d.capturemode}


def bound(case):
    io = loggers.BoundIO(case["max"])
    for piece in case["pieces"]:
        io.write(piece.encode("latin-1"))
    return io.getvalue().decode("latin-1")


def auto(case):
    """Which names clear_autochildlogdir deletes."""
    with tempfile.TemporaryDirectory() as folder:
        for name in case["names"]:
            open(os.path.join(folder, name), "w").close()

        class Options:
            childlogdir, identifier, logger = folder, case["identifier"], None
            remove = staticmethod(os.remove)
        options.ServerOptions.clear_autochildlogdir(Options)
        left = os.listdir(folder)
        return [n for n in case["names"] if n not in left]


def read(case):
    with tempfile.NamedTemporaryFile() as f:
        f.write(case["content"].encode("latin-1"))
        f.flush()
        path = f.name + "-missing" if case["missing"] else f.name
        try:
            data = options.readFile(path, case["offset"], case["length"]).decode("latin-1")
        except ValueError as why:
            data = "fault " + why.args[0]
        return {"read": data, "tail": options.tailFile(path, case["offset"], case["length"])}


def syslog(case):
    """The messages that a logger with the given format hands to syslog(3)."""
    sent = []
    loggers.SyslogHandler._syslog = lambda self, message: sent.append(message)
    logger = loggers.getLogger()
    loggers.handle_syslog(logger, case["format"])
    logger.info(case["data"].encode("latin-1"))
    return sent


def main():
    request = json.load(sys.stdin)
    answer = globals()[request["kind"]]
    json.dump([answer(case) for case in request["cases"]], sys.stdout)


main()
