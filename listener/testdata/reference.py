"""Answers questions about Python's Supervisor: a JSON request a line on stdin,
a JSON answer a line on stdout. Bytes are in hex."""
import json
import sys
import types

from supervisor import childutils, events, process, states


def body(q):
    kind = q["kind"]
    cls = getattr(events.EventTypes, q["type"])
    group = types.SimpleNamespace(config=types.SimpleNamespace(name=q.get("group")))
    proc = types.SimpleNamespace(
        config=types.SimpleNamespace(name=q.get("process")), group=group,
        pid=q.get("pid"), backoff=q.get("tries"))
    data = bytes.fromhex(q.get("data", ""))
    if kind == "state":
        state = getattr(states.ProcessStates, q["from"])
        return cls(proc, state, expected=q["expected"])
    if kind == "output":
        return cls(proc, q["pid"], data)
    if kind == "remote":
        return cls(q["comm"], data.decode())
    if kind == "tick":
        return cls(q["when"], None)
    if kind == "group":
        return cls(q["group"])
    return cls()


def encode(q):
    event = body(q)
    payload = event.payload()
    options = types.SimpleNamespace(identifier=q["server"])
    pool = types.SimpleNamespace(
        config=types.SimpleNamespace(name=q["pool"], options=options))
    envelope = process.EventListenerPool._eventEnvelope(
        pool, event.__class__, q["serial"], q["poolserial"], payload)
    return {"wire": envelope.encode().hex()}


def decode(q):
    text = bytes.fromhex(q["wire"]).decode()
    line, payload = text.split("\n", 1)
    headers = childutils.get_headers(line)
    answer = {"headers": headers, "complete": len(payload) == int(headers["len"])}
    if "\n" in payload:
        answer["tokens"], data = childutils.eventdata(payload)
        answer["data"] = data.encode().hex()
    elif payload:
        answer["tokens"] = childutils.get_headers(payload)
    return answer


def result(q):
    line = bytes.fromhex(q.get("wire", ""))
    try:
        return {"int": str(int(line[len(b"RESULT "):]))}
    except ValueError:
        return {"int": ""}


def matches(q):
    types_ = events.EventTypes
    return {"matches": issubclass(getattr(types_, q["type"]), getattr(types_, q["subscription"])),
            "all": sorted(n for n in vars(types_) if not n.startswith("_"))}


for line in sys.stdin:
    q = json.loads(line)
    answer = {"encode": encode, "decode": decode, "result": result, "matches": matches}[q["ask"]](q)
    print(json.dumps(answer), flush=True)
