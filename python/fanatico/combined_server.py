"""python -m fanatico.combined_server: HTTP JSON-RPC and WebSocket together, around a Flask program or before another server."""
import sys

from .hooks import WebSocketEventHooks
from .main import run, serve
from .options import Parser

__all__ = ["WebSocketEventHooks", "serve", "main"]


def main():
    parser = Parser(http=True, prog="combined_server", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--app", metavar="MODULE:NAME", help="a Flask or WSGI program that answers every method that is not the server's own")
    parser.add_argument("--app-path", dest="path", default="/", help="where in it JSON-RPC is answered [/]")
    return run(parser, http=True)


if __name__ == "__main__":
    sys.exit(main())
