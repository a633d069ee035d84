"""A listener as Python's users write them: each event's payload goes to stderr
as an ASCII literal."""
import sys

from supervisor import childutils

while True:
    headers, payload = childutils.listener.wait()
    sys.stderr.write("%s %s\n" % (headers["eventname"], ascii(payload)))
    sys.stderr.flush()
    childutils.listener.ok()
