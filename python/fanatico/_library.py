"""libfanatico as ctypes sees it: the functions of include/fanatico/fanatico.h and hooks.h that the package uses."""
import ctypes as c
import os
from pathlib import Path

OK, EINVAL, EFORMAT, ECLOSED = 0, 2, 3, 10
PORT_FREE, PORT_NONE = -1, -2


class Error(c.Structure):
    _fields_ = [("text", c.c_char * 512)]


class Options(c.Structure):
    """struct fan_server_options, field by field."""

    _fields_ = [
        ("http_host", c.c_char_p), ("http_port", c.c_int),
        ("ws_host", c.c_char_p), ("ws_port", c.c_int),
        ("takeover", c.c_bool),
        ("chain_id", c.c_uint64),
        ("client_version", c.c_char_p),
        ("workers", c.c_size_t), ("call_threads", c.c_size_t),
        ("max_connections", c.c_size_t), ("http_max_connections", c.c_size_t),
        ("max_connections_per_ip", c.c_size_t), ("requests_per_second_per_ip", c.c_size_t), ("requests_burst_per_ip", c.c_size_t),
        ("max_subscriptions_per_connection", c.c_size_t),
        ("ping_interval_ms", c.c_uint64), ("ping_timeout_ms", c.c_uint64),
        ("notify_bytes_max", c.c_size_t), ("notify_age_max_ms", c.c_uint64), ("notify_linger_ms", c.c_uint64),
        ("input_bytes_max", c.c_size_t), ("output_bytes_max", c.c_size_t),
        ("batch_items_max", c.c_size_t), ("reply_bytes_max", c.c_size_t), ("filter_timeout_ms", c.c_uint64), ("no_ws_deflate", c.c_bool),
        ("history_blocks", c.c_size_t), ("drain_ms", c.c_uint64),
        ("upstream_url", c.c_char_p), ("upstream_timeout_ms", c.c_uint64),
        ("ipc_path", c.c_char_p),
        ("feed_path", c.c_char_p),
        ("http_vhosts", c.c_char_p), ("http_corsdomain", c.c_char_p), ("ws_origins", c.c_char_p),
        ("http_api", c.c_char_p), ("ws_api", c.c_char_p), ("jwt_secret_path", c.c_char_p), ("jwt_namespaces", c.c_char_p),
        ("tls_cert", c.c_char_p), ("tls_key", c.c_char_p),
        ("trusted_proxies", c.c_char_p), ("proxy_protocol", c.c_bool),
        ("http_rpcprefix", c.c_char_p), ("ws_rpcprefix", c.c_char_p),
        ("metrics_access", c.c_char_p), ("no_status_page", c.c_bool), ("metrics_host", c.c_char_p), ("metrics_port", c.c_int),
    ]


class Stats(c.Structure):
    _fields_ = [(name, c.c_uint64) for name in (
        "connections_ws", "connections_http", "blocks", "logs", "pending", "repeated", "gaps", "waiting_logs", "abandoned_logs")]


Method = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)


def _find():
    here = Path(__file__).resolve().parent
    given = os.environ.get("FANATICO_LIBRARY")
    for path in ([Path(given)] if given else []) + [here / "libfanatico.so"] + [here.parents[1] / "build" / b / "libfanatico.so" for b in ("release", "library")]:
        if path.exists():
            return str(path)
    return "libfanatico.so.0"  # installed where the system looks


def _load():
    lib = c.CDLL(_find())
    server, err, text, size = c.c_void_p, c.POINTER(Error), c.c_char_p, c.c_size_t
    for name, result, *arguments in [
        ("fan_version", c.c_char_p),
        ("fan_server_new", c.c_int, c.POINTER(Options), c.POINTER(c.c_void_p), err),
        ("fan_server_start", c.c_int, server, err),
        ("fan_server_http_port", c.c_uint16, server),
        ("fan_server_ws_port", c.c_uint16, server),
        ("fan_server_metrics_port", c.c_uint16, server),
        ("fan_server_hold", None, server, c.c_bool),
        ("fan_server_reload_tls", c.c_int, server, err),
        ("fan_server_drain", None, server),
        ("fan_server_stop", None, server),
        ("fan_server_free", None, server),
        ("fan_server_method", c.c_int, server, text, Method, c.c_void_p, err),
        ("fan_server_fallback", c.c_int, server, Method, c.c_void_p, err),
        ("fan_server_stats", None, server, c.POINTER(Stats)),
        ("fan_call_method", c.c_void_p, c.c_void_p, c.POINTER(size)),
        ("fan_call_params", c.c_void_p, c.c_void_p, c.POINTER(size)),
        ("fan_call_client", c.c_bool, c.c_void_p, text, size),
        ("fan_call_answer", c.c_int, c.c_void_p, text, size, err),
        ("fan_call_fail", None, c.c_void_p, c.c_int, text, text, size),
        ("fan_chain_announce_block_json", c.c_int, server, text, size, err),
        ("fan_chain_announce_logs_json", c.c_int, server, text, size, err),
        ("fan_chain_announce_pending_json", c.c_int, server, text, size, err),
        ("fan_chain_announce_syncing_json", c.c_int, server, text, size, err),
        ("fan_chain_hook_json", c.c_int, server, text, size, err),
        ("fan_chain_move_head", c.c_int, server, c.c_char_p, err),
    ]:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


lib = _load()
