"""Runs the reference's supervisorctl many times without loading it each time.

Reads one JSON object a line: args, stdin, dir. Answers each with one: status,
stdout, stderr. Every run is a process of its own, in which all is as in a
fresh one.
"""
import atexit
import json
import os
import signal
import sys
import tempfile
import traceback

from supervisor import supervisorctl

LIMIT = 45  # seconds that a run may take

# The standard streams stay unused, for the runs.
requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")


def run(request):
    signal.alarm(LIMIT)
    os.chdir(request["dir"])
    sys.argv = ["/usr/bin/supervisorctl"] + request["args"]
    status = 0
    try:
        supervisorctl.main()
    except SystemExit as e:
        status = e.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


for line in requests:
    request = json.loads(line)
    files = [tempfile.TemporaryFile() for _ in range(3)]
    files[0].write(request["stdin"].encode())
    files[0].seek(0)
    pid = os.fork()
    if pid == 0:
        for fd, file in enumerate(files):
            os.dup2(file.fileno(), fd)
        run(request)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    shown = []
    for file in files[1:]:
        file.seek(0)
        shown.append(file.read().decode(errors="surrogateescape"))
    json.dump({"status": status, "stdout": shown[0], "stderr": shown[1]}, answers)
    answers.write("\n")
    answers.flush()
