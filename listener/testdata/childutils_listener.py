"""A listener as Python's users write them: each event's payload goes to stderr,
as UTF-8 in hex."""
import sys

from supervisor import childutils

while True:
    headers, payload = childutils.listener.wait()
    sys.stderr.write("%s %s\n" % (headers["eventname"], payload.encode().hex()))
    sys.stderr.flush()
    childutils.listener.ok()
