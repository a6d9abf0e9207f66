"""Starting it: serve() in a program of yours, and what the two commands have in common."""
import argparse
import os
import signal
import sys
import threading

from . import hooks
from .server import Server
from .wsgi import fallback_of


def seconds(text):
    """"30", "30s", "500ms", "2m" as milliseconds."""
    for unit, factor in (("ms", 1), ("s", 1000), ("m", 60000), ("", 1000)):
        if text.endswith(unit) and (number := text[: len(text) - len(unit)]):
            try:
                return int(float(number) * factor)
            except ValueError:
                break
    raise argparse.ArgumentTypeError(f"{text!r} is not a duration (30, 30s, 500ms)")


# The seed's parameters: environment variable, option of the library, how it is read, default.
PARAMETERS = (
    ("MAX_CONNECTIONS", "max_connections", int, "1000", "WebSockets in the whole process"),
    ("MAX_SUBSCRIPTIONS_PER_CONNECTION", "max_subscriptions_per_connection", int, "100", "subscriptions of one client"),
    ("PING_INTERVAL", "ping_interval_ms", seconds, "30", "silence after which a client is pinged"),
    ("PING_TIMEOUT", "ping_timeout_ms", seconds, "10", "how long it may take to answer"),
)


def add_arguments(parser, http):
    env = os.environ
    if http:
        parser.add_argument("--http-host", default=env.get("HTTP_HOST", "127.0.0.1"))
        parser.add_argument("--http-port", type=int, default=int(env.get("HTTP_PORT", "8545")), help="0 takes a free one")
    parser.add_argument("--ws-host", default=env.get("WS_HOST", "0.0.0.0"))
    parser.add_argument("--ws-port", type=int, default=int(env.get("WS_PORT", "8546")), help="0 takes a free one")
    for name, option, kind, default, text in PARAMETERS:
        parser.add_argument("--" + name.lower().replace("_", "-"), dest=option, type=kind, default=env.get(name, default), help=text)
    parser.add_argument("--chain-id", type=int, help="answer eth_chainId and net_version with it")
    parser.add_argument("--upstream-http", dest="upstream_url", metavar="URL", help="where every method goes that is not the server's own")
    parser.add_argument("--feed", dest="feed_path", metavar="PATH", help="a Unix socket where other processes give hooks, one a line")
    parser.add_argument("--stdin", action="store_true", help="read hooks from standard input, one a line")


def _watch_stdin(server, ended):
    import ctypes

    from . import _library as native

    err = native.Error()
    for number, line in enumerate(sys.stdin.buffer, 1):
        line = line.strip()
        if line and native.lib.fan_chain_hook_json(server._handle, line, len(line), ctypes.byref(err)):
            print(f"line {number}: {err.text.decode(errors='replace')}", file=sys.stderr, flush=True)
    ended.set()


def serve(app=None, *, path="/", block=True, stdin=False, **options):
    """Starts the server and makes it the one that WebSocketEventHooks tells.

    app: a Flask or WSGI program; every method that is not the server's own is asked of it, at ``path``, in this process.
    upstream_url: the same for a JSON-RPC server elsewhere. Other keywords are those of Server. block: stay until SIGINT
    or SIGTERM, then say goodbye to every client; else the started Server is returned and its owner closes it.
    """
    if app is not None:
        options["fallback"] = fallback_of(app, path)
    server = Server(**options)
    try:
        server.start()
        hooks.set_server(server)
    except BaseException:
        server.close()
        raise
    if not block:
        return server
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if server.http_port:
        print(f"HTTP       http://{options.get('http_host') or '127.0.0.1'}:{server.http_port}", flush=True)
    print(f"WebSocket  ws://{options.get('ws_host') or '0.0.0.0'}:{server.ws_port}", flush=True)
    if stdin:
        threading.Thread(target=_watch_stdin, args=(server, ended), daemon=True).start()
    while not ended.wait(3600):
        pass
    hooks.set_server(None)
    server.close()
    return None


def run(parser, http):
    """The body of both commands; returns the exit code."""
    add_arguments(parser, http)
    options = vars(parser.parse_args())
    if not http:
        options["http_port"] = None
    app = options.pop("app", None)
    if app:
        import importlib

        sys.path.insert(0, os.getcwd())
        module, _, name = app.partition(":")
        app = getattr(importlib.import_module(module), name or "app")
    try:
        serve(app=app, **options)
    except (OSError, ValueError) as e:
        print(f"{parser.prog}: {e}", file=sys.stderr)
        return 2
    return 0
