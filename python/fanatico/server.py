"""The server: libfanatico with Python's manners. Thread-safe: hooks and methods may be called from any thread."""
import atexit
import contextlib
import ctypes
import json
import threading
from collections.abc import Iterable, Mapping

from . import _library as native
from ._library import lib


_running = set()  # servers whose threads call into Python: they stay until they are stopped, whoever drops them
_thread = threading.local()  # answers_for: the server whose method this thread is in


@atexit.register
def _stop_all():
    for server in list(_running):
        server.stop()


def client():
    """Inside a method: whose call it is, as (address, port, whether it is this machine's own and speaks for no other)."""
    text = ctypes.create_string_buffer(64)
    local = lib.fan_call_client(_thread.call, text, len(text))
    address, _, port = text.value.decode().rpartition(":")
    return (address.strip("[]"), int(port), local) if port.isdigit() else (text.value.decode(), 0, local)


class RpcError(Exception):
    """Raised by a method of yours: the client gets this code, message and data."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def _text(err):
    return err.text.decode(errors="replace")


def _plain(value, key, kinds=(bool, int, str)):
    """What JSON can say: bytes become 0x…, mappings and sequences are walked; anything else is told with its key."""
    if value is None or isinstance(value, kinds):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f"{key}.{k}" if key else str(k), kinds) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v, f"{key}[{i}]", kinds) for i, v in enumerate(value)]
    if hasattr(value, "__index__"):  # numpy's numbers and the like
        return int(value)
    raise TypeError(f"{key or 'value'}: {type(value).__name__} is no int, str, bytes, list or dict")


ANSWER_KINDS = (bool, int, str, float)  # what a method answers is its own matter: eth_feeHistory has fractions


def _fields(value, kinds, what):
    """Only what geth's objects have: a host's dict may hold whatever else it likes."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{what}: a dict was expected, not {type(value).__name__}")
    return {k: _plain(v, f"{what}: {k}") for k, v in value.items() if k in kinds}


BLOCK_KEYS = frozenset((
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty", "number", "gasLimit", "gasUsed",
    "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",
    "requestsHash", "hash"))
LOG_KEYS = frozenset((
    "address", "topics", "data", "blockNumber", "transactionHash", "transactionIndex", "blockHash", "blockTimestamp", "logIndex", "removed"))


def _hash(value, key):
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
    elif isinstance(value, str):
        try:
            raw = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raise ValueError(f"{key}: is not hexadecimal") from None
    else:
        raise TypeError(f"{key}: bytes or hexadecimal were expected, not {type(value).__name__}")
    if len(raw) != 32:
        raise ValueError(f"{key}: 32 bytes were expected, not {len(raw)}")
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
        self._state = threading.Condition()
        self._running = False
        self._users = 0  # threads that are inside the library with the handle
        known = {name: kind for name, kind in native.Options._fields_}
        raw = native.Options()
        for name, value in options.items():
            if name not in known:
                raise TypeError(f"{name}: no such option")
            if name == "metrics_port":
                value = 0 if value is None else native.PORT_FREE if value == 0 else int(value)
            elif name in ("http_port", "ws_port"):
                value = native.PORT_NONE if value is None else native.PORT_FREE if value == 0 else int(value)
            elif value is None:
                continue
            elif known[name] is ctypes.c_char_p:
                value = (",".join(value) if isinstance(value, (list, tuple)) else str(value)).encode()
            elif isinstance(value, float):
                value = int(value)
            setattr(raw, name, value)
        self._check(lib.fan_server_new, ctypes.byref(raw), ctypes.byref(self._handle))
        for name, function in (methods or {}).items():
            self._check(lib.fan_server_method, self._handle, name.encode(), self._callback(function, False), None)
        if fallback:
            self._check(lib.fan_server_fallback, self._handle, self._callback(fallback, True), None)

    # ---- life ----

    def start(self):
        """Opens the ports; when it returns they accept. OSError: a port cannot be had, in words."""
        err = native.Error()
        with self._open() as handle:
            status = lib.fan_server_start(handle, ctypes.byref(err))
        if status == native.ECLOSED:
            raise RuntimeError(_text(err))
        if status:
            raise OSError(_text(err))
        with self._state:
            self._running = True
        _running.add(self)
        return self

    def hold(self, held=True):
        """While held /readyz answers 503, so that load balancers look elsewhere; all else goes on."""
        with self._open() as handle:
            lib.fan_server_hold(handle, held)

    def reload_tls(self):
        """Reads tls_cert and tls_key again, for new connections. ValueError: a file does not fit; the old one stays."""
        with self._open() as handle:
            self._check(lib.fan_server_reload_tls, handle)

    def stop(self):
        """Says goodbye to every client (1001), then ends. RuntimeError in a method of its own, which it would wait for."""
        if getattr(_thread, "answers_for", None) is self:
            raise RuntimeError("a method cannot end the server that it answers for")
        with self._state:
            was, self._running = self._running, False
        _running.discard(self)
        if was:
            lib.fan_server_drain(self._handle)
            lib.fan_server_stop(self._handle)

    def close(self):
        """Stops it and gives its memory back; after that it is good for nothing. Twice is once."""
        self.stop()
        with self._state:
            handle, self._handle = self._handle, None
            while self._users:
                self._state.wait()
        lib.fan_server_free(handle)

    def __del__(self):  # dropped without close(): it is not running, or it would be kept
        if getattr(self, "_handle", None):
            lib.fan_server_free(self._handle)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    @property
    def running(self):
        return self._running

    @property
    def http_port(self):
        return self._port(lib.fan_server_http_port)

    @property
    def ws_port(self):
        return self._port(lib.fan_server_ws_port)

    @property
    def metrics_port(self):
        return self._port(lib.fan_server_metrics_port)

    @property
    def stats(self):
        """Counts since the start, by their names in struct fan_server_stats."""
        stats = native.Stats()
        with self._open() as handle:
            lib.fan_server_stats(handle, ctypes.byref(stats))
        return {name: getattr(stats, name) for name, _ in stats._fields_}

    # ---- hooks ----

    def announce_block(self, block):
        """A dict with hash, parentHash, number and any of geth's other header keys; values are int or hex, bytes or hex."""
        self._hook(lib.fan_chain_announce_block_json, _fields(block, BLOCK_KEYS, "block"))

    def announce_logs(self, logs):
        """A list of dicts, each with address, blockNumber or blockHash, and any of geth's other keys of a log."""
        if isinstance(logs, Mapping):
            logs = [logs]
        elif isinstance(logs, (str, bytes)) or not isinstance(logs, Iterable):
            raise TypeError(f"logs: a list of dicts was expected, not {type(logs).__name__}")
        self._hook(lib.fan_chain_announce_logs_json, [_fields(log, LOG_KEYS, f"logs[{i}]") for i, log in enumerate(logs)])

    def announce_pending(self, transaction):
        """The hash, as bytes or hex; or the transaction's dict with its hash."""
        self._hook(lib.fan_chain_announce_pending_json, _plain(transaction, "pending transaction"))

    def announce_syncing(self, state):
        """False, or a dict with startingBlock, currentBlock, highestBlock."""
        self._hook(lib.fan_chain_announce_syncing_json, _plain(state, "syncing"))

    def move_head(self, block_hash):
        """The block of that hash becomes the head; what stood above it is removed."""
        raw = _hash(block_hash, "hash")
        self._tell(lambda handle, err: lib.fan_chain_move_head(handle, raw, err))

    def feed_line(self, line):
        """One line of the feed's format, as bytes: {"hook":"on_new_block","arg":{…}}."""
        self._tell(lambda handle, err: lib.fan_chain_hook_json(handle, line, len(line), err))

    def _hook(self, function, value):
        text = json.dumps(value, separators=(",", ":")).encode()
        self._tell(lambda handle, err: function(handle, text, len(text), err))

    def _tell(self, announce):
        if not self._running:
            raise RuntimeError("the server is not running: start it before the first hook")
        err = native.Error()
        with self._open() as handle:
            status = announce(handle, ctypes.byref(err))
        if status == native.ECLOSED:
            raise RuntimeError(_text(err))
        if status:
            raise ValueError(_text(err))

    # ---- inside ----

    @contextlib.contextmanager
    def _open(self):
        """The handle, which stays good meanwhile."""
        with self._state:
            if not self._handle:
                raise RuntimeError("the server has been closed")
            handle = self._handle
            self._users += 1
        try:
            yield handle
        finally:
            with self._state:
                self._users -= 1
                self._state.notify_all()

    def _port(self, function):
        with self._open() as handle:
            return function(handle) or None

    @staticmethod
    def _check(function, *arguments):
        err = native.Error()
        if function(*arguments, ctypes.byref(err)):
            raise ValueError(_text(err))

    @staticmethod
    def _failure(e):
        """What a client is told of an exception in a method: code, message, data. A bug there is told too, and ends nothing: nor does sys.exit()."""
        if isinstance(e, RpcError):
            try:
                data = b"" if e.data is None else json.dumps(_plain(e.data, "data", ANSWER_KINDS)).encode()
                return int(e.code), str(e.message).encode(errors="replace"), data
            except Exception as wrong:
                e = wrong
        return -32603, f"Internal error: {type(e).__name__}: {e}".encode(errors="replace"), b""

    def _callback(self, function, with_name):
        def run(_, call):
            length = ctypes.c_size_t()
            failure = None
            _thread.answers_for, _thread.call = self, call
            try:
                at = lib.fan_call_params(call, ctypes.byref(length))
                params = json.loads(ctypes.string_at(at, length.value))
                if with_name:
                    at = lib.fan_call_method(call, ctypes.byref(length))
                    answer = function(ctypes.string_at(at, length.value).decode(errors="replace"), params)
                else:
                    answer = function(params)
                answer = json.dumps(_plain(answer, "result", ANSWER_KINDS)).encode()
            except BaseException as e:
                failure = self._failure(e)
            finally:
                _thread.answers_for = _thread.call = None
            if failure:
                code, message, data = failure
                lib.fan_call_fail(call, code, message, data or None, len(data))
            else:
                lib.fan_call_answer(call, answer, len(answer), None)

        kept = native.Method(run)
        self._kept.append(kept)
        return kept
