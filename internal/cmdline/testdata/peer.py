"""Takes command lines apart with Python's own modules.

Reads one JSON list a line: [manner, argv]; answers each with one JSON object:
options as [name, value] pairs, args, and error, which is null when there is
none.
"""
import getopt
import json
import optparse
import sys

SHORT = "hnkp:c:a"
LONG = ["help", "nodaemon", "nocleanup", "program=", "progress", "prog-file=",
        "configuration=", "any"]
FULL = {"h": "help", "n": "nodaemon", "k": "nocleanup", "p": "program",
        "c": "configuration", "a": "any"}


def with_getopt(argv):
    try:
        opts, args = getopt.getopt(argv, SHORT, LONG)
    except getopt.GetoptError as e:
        return {"options": None, "args": None, "error": str(e)}
    return {"options": opts, "args": args, "error": None}


class Parser(optparse.OptionParser):
    def error(self, msg):
        raise ValueError(msg)


def with_optparse(argv):
    seen = []

    def saw(option, name, value, parser):
        seen.append([name, value or ""])

    parser = Parser(add_help_option=False)
    letters = {v: k for k, v in FULL.items()}
    for name in LONG:
        names = ["--" + name.rstrip("=")]
        if name.rstrip("=") in letters:
            names.insert(0, "-" + letters[name.rstrip("=")])
        kind = "string" if name.endswith("=") else None
        parser.add_option(*names, action="callback", callback=saw, type=kind)
    try:
        _, args = parser.parse_args(argv)
    except ValueError as e:
        return {"options": seen, "args": None, "error": str(e)}
    return {"options": seen, "args": args, "error": None}


for line in sys.stdin:
    manner, argv = json.loads(line)
    answer = with_getopt(argv) if manner == "getopt" else with_optparse(argv)
    print(json.dumps(answer))
