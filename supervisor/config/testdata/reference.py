"""Answers what Python and the supervisor package make of inputs.

Each line on stdin is a JSON list of questions, each line on stdout the JSON list
of the answers: {"ok": ...}, {"error": text} for what supervisord prints as its
error, or {"crash": text} where it would end with a traceback.
"""
import glob
import io
import json
import os
import shlex
import sys

from supervisor import datatypes, events, options

OWN_CODE = (
    "supervisor.rpcinterface:make_main_rpcinterface",
    "supervisor.dispatchers:default_handler",
    "supervisor.supervisorctl:DefaultControllerPlugin",
)


def environment(text):
    """The package's reading or, where it has none, that of later versions."""
    try:
        return datatypes.dict_of_key_value_pairs(text)
    except ValueError:
        lexer = shlex.shlex(text, posix=True)
        lexer.wordchars += "/.+-():"
        try:
            tokens = list(lexer)
        except ValueError:
            tokens = ["?"]
        pairs = {}
        while tokens:
            if len(tokens) < 3 or tokens[1] != "=":
                raise
            pairs[tokens[0]] = tokens[2]
            tokens = tokens[4:]
        return pairs


def import_spec(self, spec):
    parts = [part.strip() for part in spec.split(":")]
    if ":".join(parts) not in OWN_CODE:
        raise ImportError(spec)
    return spec


options.dict_of_key_value_pairs = environment
options.Options.import_spec = import_spec
SERVER = options.ServerOptions()
ENVIRON = {"ENV_" + name: os.environ[name] for name in sorted(os.environ)}


def log_target(target):
    if target is None or target == "":
        return [0, ""]
    if target is datatypes.Automatic:
        return [1, ""]
    return [2, target]


RESTARTS = {
    False: 0,
    datatypes.RestartWhenExitUnexpected: 1,
    datatypes.RestartUnconditionally: 2,
}


def log(process, stream):
    def get(option):
        return getattr(process, stream + "_" + option)
    return {
        "target": log_target(get("logfile")),
        "maxbytes": get("logfile_maxbytes"),
        "backups": get("logfile_backups"),
        "syslog": get("syslog"),
        "capture": get("capture_maxbytes"),
        "events": get("events_enabled"),
    }


def program(process):
    return {
        "name": process.name,
        "command": process.command,
        "directory": process.directory or "",
        "umask": process.umask,
        "priority": process.priority,
        "autostart": process.autostart,
        "autorestart": RESTARTS[process.autorestart],
        "startsecs": process.startsecs,
        "startretries": process.startretries,
        "uid": process.uid,
        "stopsignal": int(process.stopsignal),
        "stopwaitsecs": process.stopwaitsecs,
        "stopasgroup": process.stopasgroup,
        "killasgroup": process.killasgroup,
        "exitcodes": process.exitcodes,
        "redirect_stderr": process.redirect_stderr,
        "stdout": log(process, "stdout"),
        "stderr": log(process, "stderr"),
        "environment": process.environment,
        "serverurl": process.serverurl or "",
    }


def pool(group):
    if not isinstance(group, options.EventListenerPoolConfig):
        return None
    return {
        "buffer_size": group.buffer_size,
        "events": sorted(events.getEventNameByType(e) for e in group.pool_events),
    }


def socket(group):
    if not isinstance(group, options.FastCGIGroupConfig):
        return None
    config = group.socket_config
    unix = hasattr(config, "path") and config.path is not None
    return {
        "url": config.url,
        "owner": list(config.owner or (-1, -1)) if unix else [-1, -1],
        "mode": config.mode & 0xFFFFFFFF if unix else 0,
        "backlog": config.backlog or 0,
    }


def group(config):
    kind = 1
    if isinstance(config, options.EventListenerPoolConfig):
        kind = 2
    elif isinstance(config, options.FastCGIGroupConfig):
        kind = 3
    return {
        "name": config.name,
        "kind": kind,
        "priority": config.priority,
        "programs": [program(p) for p in config.process_configs],
        "pool": pool(config),
        "socket": socket(config),
    }


def server(config):
    unix = "file" in config
    return {
        "section": config["section"],
        "name": config["name"] or "",
        "host": config.get("host", ""),
        "port": config.get("port", 0),
        "file": config.get("file", ""),
        "mode": config["chmod"] & 0xFFFFFFFF if unix else 0,
        "owner": list(config["chown"]) if unix else [-1, -1],
        "username": config["username"],
        "password": config["password"],
    }


def supervisord(section):
    normalize = options.normalize_path
    return {
        "logfile": section.logfile if section.logfile == "syslog" else normalize(section.logfile),
        "logfile_maxbytes": section.logfile_maxbytes,
        "logfile_backups": section.logfile_backups,
        "loglevel": section.loglevel,
        "pidfile": normalize(section.pidfile),
        "umask": section.umask,
        "nodaemon": section.nodaemon,
        "silent": section.silent,
        "minfds": section.minfds,
        "minprocs": section.minprocs,
        "nocleanup": section.nocleanup,
        "strip_ansi": section.strip_ansi,
        "childlogdir": section.childlogdir,
        "user": section.user,
        "directory": section.directory or "",
        "identifier": section.identifier,
        "environment": section.environment,
    }


def server_url(configs):
    SERVER.serverurl = None
    for config in configs:
        if "file" in config:
            return "unix://" + config["file"]
    for config in configs:
        return "http://%s:%s" % (config["host"] or "localhost", config["port"])
    return ""


def read_config(path):
    SERVER.environ_expansions = dict(ENVIRON)
    SERVER.configfile = path
    SERVER.here = os.path.abspath(os.path.dirname(path))
    section = SERVER.read_config(path)
    return {
        "supervisord": supervisord(section),
        "groups": [group(g) for g in section.process_group_configs],
        "servers": [server(s) for s in section.server_configs],
        "serverurl": server_url(section.server_configs),
        "rpcinterfaces": [[name, extras] for name, _, extras in section.rpcinterface_factories],
        "criticals": SERVER.parse_criticals,
        "warnings": SERVER.parse_warnings,
        "infos": SERVER.parse_infos,
    }


def read_ctl(path):
    client = options.ClientOptions()
    client.environ_expansions = dict(ENVIRON)
    try:
        section = client.read_config(path)
    except options.ConfigParser.ParsingError as why:
        raise ValueError(str(why))
    return {
        "serverurl": section.serverurl,
        "prompt": section.prompt,
        "username": section.username,
        "password": section.password,
        "history_file": section.history_file or "",
        "plugins": [[name, extras] for name, _, extras in client.plugin_factories[1:]],
    }


def read_ini(text):
    parser = options.UnhosedConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None), "FILE")
    except options.ConfigParser.ParsingError as why:
        raise ValueError(str(why))
    return [[name, [list(item) for item in parser.items(name)]]
            for name in parser.sections()]


def percent(text, values):
    try:
        return text % dict(values)
    except (KeyError, TypeError, OverflowError) as why:
        raise ValueError(str(why))


def value(kind, text):
    if kind == "auto_restart":
        return RESTARTS[datatypes.auto_restart(text)]
    result = getattr(datatypes, kind)(text)
    return int(result) if kind == "signal_number" else result


def usage(answer, *arguments):
    try:
        return {"ok": answer(*arguments)}
    except ValueError as why:
        return {"error": str(why)}
    except Exception as why:
        return {"crash": "%s: %s" % (type(why).__name__, why)}


ANSWERS = {
    "ini": read_ini,
    "config": read_config,
    "ctl": read_ctl,
    "percent": percent,
    "split": shlex.split,
    "environment": environment,
    "repr": repr,
    "ascii": ascii,
    "lower": str.lower,
    "value": value,
    "glob": lambda pattern: sorted(glob.glob(pattern)),
    "normalize": options.normalize_path,
}

for line in sys.stdin:
    print(json.dumps([usage(ANSWERS[kind], *arguments)
                      for kind, *arguments in json.loads(line)]), flush=True)
