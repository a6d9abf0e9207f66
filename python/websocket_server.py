"""The seed's module of this name: the same hooks and the same command, over libfanatico."""
import sys

from fanatico.websocket_server import *  # noqa: F401,F403
from fanatico.websocket_server import main

if __name__ == "__main__":
    sys.exit(main())
