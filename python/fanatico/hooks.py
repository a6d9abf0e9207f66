"""The seed's hooks: three functions that a node calls, from any thread, once a server has been started in its process."""
import threading

_lock = threading.Lock()
_server = None


def set_server(server):
    """The server that the hooks tell; None: none."""
    global _server
    with _lock:
        _server = server


def current_server():
    return _server


def _running():
    server = _server
    if server is None or not server.running:
        raise RuntimeError("no server has been started: call fanatico.serve(…) first")
    return server


class WebSocketEventHooks:
    @staticmethod
    def on_new_block(block):
        _running().announce_block(block)

    @staticmethod
    def on_logs(logs):
        _running().announce_logs(logs)

    @staticmethod
    def on_pending_transaction(tx_hash):
        _running().announce_pending(tx_hash)

    on_pending_tx = on_pending_transaction  # as the seed's picture calls it

    @staticmethod
    def on_syncing(state):
        _running().announce_syncing(state)
