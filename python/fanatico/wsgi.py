"""A Flask (or any WSGI) program as the fallback: methods that the server does not own are POSTed to it, in the process."""
import io
import json
import sys

from .server import RpcError, client


def fallback_of(app, path="/"):
    """A function for Server(fallback=…) that asks the app's JSON-RPC at that path."""

    def ask(method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        address, port, local = client()
        environ = {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8545",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": address, "REMOTE_PORT": str(port), "HTTP_HOST": "127.0.0.1", "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)), "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }
        if not local:  # it may come from a proxy on this machine: REMOTE_ADDR alone would give it this machine's rights
            environ["HTTP_FORWARDED"] = "for=unknown"
        status, written = [], []

        def start_response(line, headers, exc_info=None):
            status[:] = [line]
            return written.append

        chunks = app(environ, start_response)
        try:
            for chunk in chunks or ():
                written.append(chunk)
            text = b"".join(written)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        try:
            reply = json.loads(text)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or ("result" not in reply and "error" not in reply):
            raise RpcError(-32603, f"Internal error: the host's server answered {status[0] if status else 'nothing'}, which is no JSON-RPC")
        error = reply.get("error")
        if error is not None:
            if not isinstance(error, dict):
                raise RpcError(-32000, str(error))
            code = error.get("code")
            raise RpcError(code if isinstance(code, int) else -32000, str(error.get("message", "")), error.get("data"))
        return reply["result"]

    return ask
