"""python -m fanatico.websocket_server: the WebSocket server alone; its hooks come from other processes or standard input."""
import sys

from .hooks import WebSocketEventHooks
from .main import run, serve
from .options import Parser

__all__ = ["WebSocketEventHooks", "serve", "main"]


def main():
    return run(Parser(http=False, prog="websocket_server", description=__doc__.split(": ", 1)[1]), http=False)


if __name__ == "__main__":
    sys.exit(main())
