"""Logs what it is told with the reference's loggers.

Reads {"kind": "file" or "syslog", "max", "backups", "level", "records": [[time,
level, text], ...]} from standard input and writes the files' names and contents,
or the list of syslog messages.
"""
import json
import os
import sys
import tempfile

from supervisor import loggers

FORMAT = "%(asctime)s %(levelname)s %(message)s\n"
request = json.load(sys.stdin)
logger = loggers.getLogger(request["level"])


def log():
    for at, level, text in request["records"]:
        loggers.time.time = lambda at=at: at
        if level >= logger.level:
            logger.log(level, text)


if request["kind"] == "syslog":
    sent = []
    loggers.SyslogHandler._syslog = lambda self, message: sent.append(message)
    loggers.handle_file(logger, "syslog", FORMAT)
    logger.handlers[0].setLevel(logger.level)
    log()
    json.dump(sent, sys.stdout)
else:
    with tempfile.TemporaryDirectory() as folder:
        loggers.handle_file(logger, os.path.join(folder, "log"), FORMAT,
                            not not request["max"], request["max"], request["backups"])
        log()
        logger.close()
        json.dump({n: open(os.path.join(folder, n)).read() for n in os.listdir(folder)},
                  sys.stdout)
