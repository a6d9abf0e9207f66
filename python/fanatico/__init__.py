"""Real-time events for an Ethereum node written in Python: eth_subscribe over WebSocket, served by libfanatico.

    import fanatico
    from fanatico.websocket_server import WebSocketEventHooks

    fanatico.serve(app=flask_app, block=False)      # HTTP on 8545, WebSocket on 8546
    WebSocketEventHooks.on_new_block(block_dict)    # from any thread
"""
from ._library import lib as _lib
from .hooks import WebSocketEventHooks
from .main import serve
from .server import RpcError, Server, client

__version__ = _lib.fan_version().decode()
__all__ = ["RpcError", "Server", "WebSocketEventHooks", "client", "serve"]
