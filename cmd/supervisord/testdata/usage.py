"""Reads command lines with the supervisor package itself.

Reads one JSON list of arguments a line; answers each with a JSON list: exit
status (null when the command line is accepted), stdout, stderr.
"""
import io
import json
import sys

from supervisor import supervisord
from supervisor.options import ServerOptions

for line in sys.stdin:
    options = ServerOptions()
    options.stdout, options.stderr = io.StringIO(), io.StringIO()
    status = None
    try:
        options.realize(json.loads(line), doc=supervisord.__doc__, progname="PROG")
    except SystemExit as e:
        status = e.code
    print(json.dumps([status, options.stdout.getvalue(), options.stderr.getvalue()]))
