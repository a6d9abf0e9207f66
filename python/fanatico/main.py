"""Starting it: serve() in a program of yours, and what the two commands have in common."""
import json
import os
import re
import signal
import sys
import threading

from . import hooks
from .options import HTTP_NAMES, NAMES
from .server import Server
from .wsgi import fallback_of


LINE_MAX = 16 << 20  # as on the feed's socket


def _lines_of(fd):
    """Not through sys.stdin: a thread that waits inside its buffer would make the interpreter's end an abort."""
    rest = b""
    while chunk := os.read(fd, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > LINE_MAX:
            raise ValueError("the line is too long, no more are read")
    if rest:
        yield rest


def _watch_stdin(server):
    """Its end is not the server's: a file of events may be all there is, and its readers stay."""
    lines, number = _lines_of(0), 0
    while True:
        number += 1
        try:
            line = next(lines, None)
            if line is None:
                return
            if line.strip():
                server.feed_line(line.strip())
        except ValueError as e:
            print(f"line {number}: {e}", file=sys.stderr, flush=True)
        except RuntimeError:  # it is ending
            return


def _renew(server):
    try:
        server.reload_tls()
    except ValueError as e:
        print(f"SIGHUP: {e}; the old certificate stays", file=sys.stderr, flush=True)


def _write_ready(path, server):
    """Written beside and renamed, so that whoever waits for it never reads half of it."""
    ports = {"pid": os.getpid(), "http_port": server.http_port or 0, "ws_port": server.ws_port or 0}
    if server.metrics_port:
        ports["metrics_port"] = server.metrics_port
    beside = f"{path}.{os.getpid()}"
    with open(beside, "w", encoding="utf-8") as f:
        f.write(json.dumps(ports, separators=(",", ":")) + "\n")
    os.replace(beside, path)


def _say(server, options):
    s = "s" if options.get("tls_cert") else ""
    if server.http_port:
        print(f"HTTP       http{s}://{options.get('http_host') or '127.0.0.1'}:{server.http_port}", flush=True)
    if server.ws_port:
        print(f"WebSocket  ws{s}://{options.get('ws_host') or '0.0.0.0'}:{server.ws_port}", flush=True)
    if server.metrics_port:
        print(f"Metrics    http://{options.get('metrics_host') or '127.0.0.1'}:{server.metrics_port}/metrics", flush=True)


def serve(app=None, *, path="/", block=True, stdin=False, ready_file=None, drain_delay_ms=0, silent=False, **options):
    """Starts the server and makes it the one that WebSocketEventHooks tells.

    app: a Flask or WSGI program; every method that is not the server's own is asked of it, at ``path``, in this process.
    upstream_url: the same for a JSON-RPC server elsewhere. Other keywords are those of Server. block: stay until SIGINT
    or SIGTERM, then for drain_delay_ms say only /readyz 503, then goodbye to every client; else the started Server is
    returned and its owner closes it. ready_file: where the ports are written, as JSON, once it accepts.
    """
    if app is not None:
        options["fallback"] = fallback_of(app, path)
    server = Server(**options)
    try:
        server.start()
        hooks.set_server(server)
        if ready_file:
            _write_ready(ready_file, server)
    except BaseException:
        hooks.set_server(None)
        server.close()
        raise
    if not block:
        return server
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if options.get("tls_cert") and hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: _renew(server))
    if not silent:
        _say(server, options)
    if stdin:
        threading.Thread(target=_watch_stdin, args=(server,), daemon=True).start()
    while not ended.wait(3600):
        pass
    if drain_delay_ms:
        server.hold()
        ended.clear()
        ended.wait(drain_delay_ms / 1000)  # another signal ends it
    hooks.set_server(None)
    server.close()
    return None


def run(parser, http):
    """The body of both commands; returns the exit code."""
    parser.add_argument("--stdin", action="store_true", help="read hooks from standard input, one a line")
    names = {**NAMES, **(HTTP_NAMES if http else {})}
    try:
        given, others = parser.parse(sys.argv[1:])
        values = parser.values(given)
        if values.get("print-config"):
            parser.print_config(given)
            return 0
        options = {names[flag]: value for flag, value in values.items() if flag in names}
        if "jwt-namespaces" not in given:  # its default asks for a secret, like any other
            options.pop("jwt_namespaces", None)
        if not http:
            options["http_port"] = None
        if values.get("metrics") or "metrics-port" in given:
            options["metrics_port"] = values["metrics-port"]
        app = load(others.pop("app", None))
        if values.get("check-config"):
            Server(**options).close()
            print("the configuration is good")
            return 0
        serve(app=app, ready_file=values.get("ready-file"), drain_delay_ms=values["drain-delay"], silent=values.get("silent", False), **others, **options)
    except (OSError, ValueError) as e:
        print(f"{parser.prog}: {_as_typed(str(e), names)}", file=sys.stderr)
        return 2
    return 0


def _as_typed(text, names):
    """What the library says of its options, under the flags that were typed; what stands between quotes is the user's."""
    flags = {name: flag for flag, name in names.items()}
    parts = text.split('"')
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"(?<![\w-])[a-z]+(?:_[a-z]+)+\b", lambda m: f"--{flags[m[0]]}" if m[0] in flags else m[0], parts[i])
    return '"'.join(parts)


def load(name):
    """The program that --app names. ValueError: there is none; what goes wrong inside its module is shown as it is."""
    import importlib
    import importlib.util

    if not name:
        return None
    sys.path.insert(0, os.getcwd())
    module, _, attribute = name.partition(":")
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if not found:
        raise ValueError(f"--app: there is no module {module!r} here")
    app = getattr(importlib.import_module(module), attribute or "app", None)
    if not callable(app):
        raise ValueError(f"--app: {module} has no program {attribute or 'app'!r}")
    return app
