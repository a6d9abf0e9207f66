"""Starting it: serve() in a program of yours, and what the two commands have in common."""
import argparse
import os
import signal
import sys
import threading

from . import hooks
from .server import Server
from .wsgi import fallback_of


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def seconds(text):
    """"30", "30s", "500ms", "2m" as milliseconds."""
    for unit, factor in (("ms", 1), ("s", 1000), ("m", 60000), ("", 1000)):
        if text.endswith(unit) and (number := text[: len(text) - len(unit)]):
            try:
                return int(float(number) * factor)
            except ValueError:
                break
    raise argparse.ArgumentTypeError(f"{text!r} is not a duration (30, 30s, 500ms)")


def port(text):
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def count(text):
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a count (1 or more)")
    return int(text)


# The seed's parameters: variable (the flag is it in lower case with dashes), option of Server, how it is read, default, help.
HTTP_PARAMETERS = (
    ("HTTP_HOST", "http_host", str, "127.0.0.1", "ADDR", "address of the HTTP server"),
    ("HTTP_PORT", "http_port", port, "8545", "N", "its port; 0 takes a free one"),
)
PARAMETERS = (
    ("WS_HOST", "ws_host", str, "0.0.0.0", "ADDR", "address of the WebSocket server"),
    ("WS_PORT", "ws_port", port, "8546", "N", "its port; 0 takes a free one"),
    ("MAX_CONNECTIONS", "max_connections", count, "1000", "N", "WebSockets in the whole process"),
    ("MAX_SUBSCRIPTIONS_PER_CONNECTION", "max_subscriptions_per_connection", count, "100", "N", "subscriptions of one client"),
    ("PING_INTERVAL", "ping_interval_ms", seconds, "30", "S", "silence after which a client is pinged"),
    ("PING_TIMEOUT", "ping_timeout_ms", seconds, "10", "S", "how long it may take to answer"),
)


def add_arguments(parser, http):
    """Flags win over variables, and those over defaults. An empty variable is one that is not set."""
    for name, option, kind, default, value, text in (HTTP_PARAMETERS if http else ()) + PARAMETERS:
        from_env = os.environ.get(name)
        if from_env:
            try:
                kind(from_env)
            except argparse.ArgumentTypeError as e:
                parser.error(f"{name}: {e}")
        parser.add_argument("--" + name.lower().replace("_", "-"), dest=option, type=kind, default=from_env or default, metavar=value,
                            help=f"{text} [{default}; variable {name}]")
    parser.add_argument("--chain-id", type=count, metavar="N", help="answer eth_chainId and net_version with it")
    parser.add_argument("--upstream-http", dest="upstream_url", metavar="URL", help="where every method goes that is not the server's own")
    parser.add_argument("--ipcpath", dest="ipc_path", metavar="PATH", help="serve this machine's clients on a Unix socket too")
    parser.add_argument("--feed", dest="feed_path", metavar="PATH", help="a Unix socket where other processes give hooks, one a line")
    parser.add_argument("--tls-cert", metavar="FILE", help="PEM: the certificate and those that lead to its authority; the ports then speak TLS")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM: its private key; SIGHUP reads both again")
    parser.add_argument("--trusted-proxies", metavar="NETWORKS", help="proxies whose word about a client is believed")
    parser.add_argument("--proxy-protocol", action="store_true", help="their connections begin with a PROXY header")
    parser.add_argument("--stdin", action="store_true", help="read hooks from standard input, one a line")


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
    if options.get("tls_cert") and hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: _renew(server))
    s = "s" if options.get("tls_cert") else ""
    if server.http_port:
        print(f"HTTP       http{s}://{options.get('http_host') or '127.0.0.1'}:{server.http_port}", flush=True)
    print(f"WebSocket  ws{s}://{options.get('ws_host') or '0.0.0.0'}:{server.ws_port}", flush=True)
    if stdin:
        threading.Thread(target=_watch_stdin, args=(server,), daemon=True).start()
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
    try:
        app = load(options.pop("app", None))
        serve(app=app, **options)
    except (OSError, ValueError) as e:
        print(f"{parser.prog}: {e}".replace("upstream_url", "--upstream-http"), file=sys.stderr)
        return 2
    return 0


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
