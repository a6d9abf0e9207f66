"""The server: libfanatico with Python's manners. Thread-safe: hooks and methods may be called from any thread."""
import ctypes
import json
import threading
from collections.abc import Mapping

from . import _library as native
from ._library import lib


class RpcError(Exception):
    """Raised by a method of yours: the client gets this code, message and data."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def _plain(value, key):
    """What JSON can say: bytes become 0x…, mappings and sequences are walked; anything else is told with its key."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f"{key}.{k}" if key else str(k)) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v, f"{key}[{i}]") for i, v in enumerate(value)]
    if hasattr(value, "__index__"):  # numpy's numbers and the like
        return int(value)
    raise TypeError(f"{key or 'value'}: {type(value).__name__} is no int, str, bytes, list or dict")


def _fields(value, kinds):
    """Only what geth's objects have: a host's dict may hold whatever else it likes."""
    if not isinstance(value, Mapping):
        raise TypeError(f"a dict was expected, not {type(value).__name__}")
    return {k: _plain(v, k) for k, v in value.items() if k in kinds}


BLOCK_KEYS = frozenset((
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty", "number", "gasLimit", "gasUsed",
    "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",
    "requestsHash", "hash"))
LOG_KEYS = frozenset((
    "address", "topics", "data", "blockNumber", "transactionHash", "transactionIndex", "blockHash", "blockTimestamp", "logIndex", "removed"))


def _bytes(value, key, length):
    raw = bytes(value) if isinstance(value, (bytes, bytearray)) else bytes.fromhex(value.removeprefix("0x"))
    if len(raw) != length:
        raise ValueError(f"{key}: {length} bytes were expected, not {len(raw)}")
    return raw


class Server:
    """A WebSocket and HTTP server for the events of one chain.

    Every keyword is an option of struct fan_server_options (include/fanatico/fanatico.h) by its name there; a port may
    also be 0 (any free one) or None (do not listen). ``methods`` maps names to functions: each gets the params as a list
    and returns what JSON can say, or raises RpcError. ``fallback(method, params)`` answers every other name.
    """

    def __init__(self, methods=None, fallback=None, **options):
        self._kept = []  # callbacks and texts that C points to
        self._handle = ctypes.c_void_p()
        self._state = threading.Lock()
        self._running = False
        known = {name: kind for name, kind in native.Options._fields_}
        raw = native.Options()
        for name, value in options.items():
            if name not in known:
                raise TypeError(f"{name}: no such option")
            if name in ("http_port", "ws_port"):
                value = native.PORT_NONE if value is None else native.PORT_FREE if value == 0 else int(value)
            elif value is None:
                continue
            elif known[name] is ctypes.c_char_p:
                value = (",".join(value) if isinstance(value, (list, tuple)) else str(value)).encode()
            elif isinstance(value, float):
                value = int(value)
            setattr(raw, name, value)
        self._check(lib.fan_server_new(ctypes.byref(raw), ctypes.byref(self._handle), self._err()))
        for name, function in (methods or {}).items():
            self._check(lib.fan_server_method(self._handle, name.encode(), self._callback(function, False), None, self._err()))
        if fallback:
            self._check(lib.fan_server_fallback(self._handle, self._callback(fallback, True), None, self._err()))

    # ---- life ----

    def start(self):
        """Opens the ports; when it returns they accept. OSError: a port cannot be had, in words."""
        status = lib.fan_server_start(self._handle, self._err())
        if status:
            raise OSError(self._text())
        with self._state:
            self._running = True
        return self

    def stop(self):
        """Says goodbye to every client (1001), then ends."""
        with self._state:
            was, self._running = self._running, False
        if was:
            lib.fan_server_drain(self._handle)
            lib.fan_server_stop(self._handle)

    def close(self):
        self.stop()
        handle, self._handle = self._handle, ctypes.c_void_p()
        lib.fan_server_free(handle)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    @property
    def running(self):
        return self._running

    @property
    def http_port(self):
        return lib.fan_server_http_port(self._handle) or None

    @property
    def ws_port(self):
        return lib.fan_server_ws_port(self._handle) or None

    @property
    def stats(self):
        stats = native.Stats()
        lib.fan_server_stats(self._handle, ctypes.byref(stats))
        return {name: getattr(stats, name) for name, _ in stats._fields_}

    # ---- hooks ----

    def announce_block(self, block):
        """A dict with hash, parentHash, number and any of geth's other header keys; values are int or hex, bytes or hex."""
        self._hook(lib.fan_chain_announce_block_json, _fields(block, BLOCK_KEYS))

    def announce_logs(self, logs):
        """A list of dicts, each with address, blockNumber or blockHash, and any of geth's other keys of a log."""
        plain = [_fields(log, LOG_KEYS) for log in ([logs] if isinstance(logs, Mapping) else logs)]
        self._hook(lib.fan_chain_announce_logs_json, plain)

    def announce_pending(self, transaction):
        """The hash, as bytes or hex; or the transaction's dict with its hash."""
        self._hook(lib.fan_chain_announce_pending_json, _plain(transaction, "transaction"))

    def announce_syncing(self, state):
        """False, or a dict with startingBlock, currentBlock, highestBlock."""
        self._hook(lib.fan_chain_announce_syncing_json, _plain(state, "syncing"))

    def move_head(self, block_hash):
        """The block of that hash becomes the head; what stood above it is removed."""
        if not self._running:
            raise RuntimeError("the server is not running")
        self._check(lib.fan_chain_move_head(self._handle, _bytes(block_hash, "hash", 32), self._err()))

    def _hook(self, function, value):
        if not self._running:
            raise RuntimeError("the server is not running: start it before the first hook")
        text = json.dumps(value, separators=(",", ":")).encode()
        err = native.Error()
        status = function(self._handle, text, len(text), ctypes.byref(err))
        if status == native.ECLOSED:
            raise RuntimeError(err.text.decode())
        if status:
            raise ValueError(err.text.decode(errors="replace"))

    # ---- inside ----

    def _err(self):
        self._last = native.Error()
        return ctypes.byref(self._last)

    def _text(self):
        return self._last.text.decode(errors="replace")

    def _check(self, status):
        if status:
            raise ValueError(self._text())

    def _callback(self, function, with_name):
        def run(_, call):
            length = ctypes.c_size_t()
            answer = None
            try:
                at = lib.fan_call_params(call, ctypes.byref(length))
                params = json.loads(ctypes.string_at(at, length.value))
                if with_name:
                    at = lib.fan_call_method(call, ctypes.byref(length))
                    answer = function(ctypes.string_at(at, length.value).decode(errors="replace"), params)
                else:
                    answer = function(params)
                answer = json.dumps(_plain(answer, "result")).encode()
            except RpcError as e:
                data = None if e.data is None else json.dumps(_plain(e.data, "data")).encode()
                lib.fan_call_fail(call, e.code, e.message.encode(), data, len(data or b""))
                return
            except Exception as e:  # a bug of the host's method is told to its caller, and the server goes on
                lib.fan_call_fail(call, -32603, f"{type(e).__name__}: {e}".encode(), None, 0)
                return
            lib.fan_call_answer(call, answer, len(answer), None)

        kept = native.Method(run)
        self._kept.append(kept)
        return kept
