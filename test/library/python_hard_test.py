"""The Python package under hosts that are careless: wrong values, many threads, asyncio, fork, servers dropped or closed in the wrong place."""
import asyncio
import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import unittest
import zipfile

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from installed import SCRATCH, SITE, Program, block, install, rpc

wheel = None


def setUpModule():
    global wheel
    wheel = install()


def tearDownModule():
    SCRATCH.cleanup()


def name(number, branch=1):
    return bytes([branch]) + number.to_bytes(31, "big")


def server(**options):
    import fanatico
    return fanatico.Server(**{"http_port": None, "ws_port": 0, "ws_host": "127.0.0.1", **options})


def heard(socket, count):
    """So many results of notifications."""
    out = []
    while len(out) < count:
        message = json.loads(socket.recv(timeout=30))
        if "params" in message:
            out.append(message["params"]["result"])
    return out


def subscribed(one, *params):
    socket = connect(f"ws://127.0.0.1:{one.ws_port}")
    socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": params}))
    assert "result" in json.loads(socket.recv(timeout=30))
    return socket


class Script:
    """A program of the user's, in the fresh package; what it prints, and how it ended."""

    def __init__(self, text, timeout=60):
        done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, "PYTHONPATH": SITE}, cwd=SCRATCH.name)
        self.code, self.out, self.errors = done.returncode, done.stdout, done.stderr


class Wheel(unittest.TestCase):
    def test_the_library_is_inside_and_needs_no_build_tree(self):
        with zipfile.ZipFile(wheel) as z:
            names = z.namelist()
            for wanted in ("fanatico/libfanatico.so", "websocket_server.py", "combined_server.py", "fanatico/websocket_server.py", "fanatico/combined_server.py"):
                self.assertIn(wanted, names)
            path = z.extract("fanatico/libfanatico.so", os.path.join(SCRATCH.name, "looked"))
        dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        needed = set(re.findall(r"NEEDED.*\[(.*?)\.so", dynamic))
        # Debian's libraries of src/layers.txt's folders, and nothing of this machine
        self.assertLessEqual(needed, {"libsecp256k1", "libssl", "libcrypto", "libz", "libc", "ld-linux-x86-64", "libm", "libpthread"})
        self.assertNotRegex(dynamic, "RPATH|RUNPATH")

    def test_the_library_that_is_loaded_is_the_installed_one(self):
        done = Script("from fanatico import _library; print(_library.lib._name)")
        self.assertEqual(done.out.strip(), os.path.join(SITE, "fanatico", "libfanatico.so"))


class Values(unittest.TestCase):
    def test_int_or_hex_bytes_or_hex_and_absent_keys_stay_absent(self):
        from hexbytes import HexBytes
        with server() as one, subscribed(one, "newHeads") as heads, subscribed(one, "logs", {}) as logs:
            one.announce_block({"number": 1, "hash": name(1), "parentHash": HexBytes(name(0)), "timestamp": 100000000, "gasLimit": "0xe4e1c0"})
            one.announce_block({"number": "0x2", "hash": name(2).hex(), "parentHash": "0x" + name(1).hex(), "extraData": bytearray(b"ab"), "difficulty": 2**255,
                                "baseFeePerGas": None, "transactions": [object()]})
            first, second = heard(heads, 2)
            self.assertEqual(first, {"parentHash": "0x" + name(0).hex(), "number": "0x1", "gasLimit": "0xe4e1c0", "timestamp": "0x5f5e100", "hash": "0x" + name(1).hex()})
            self.assertEqual(second, {"parentHash": "0x" + name(1).hex(), "difficulty": hex(2**255), "number": "0x2", "extraData": "0x6162", "baseFeePerGas": None, "hash": "0x" + name(2).hex()})
            one.announce_logs(log for log in ({"address": b"\xaa" * 20, "topics": [name(9), name(8).hex()], "data": b"\x01", "blockNumber": n, "logIndex": "0x0"} for n in (1, "0x2")))
            for n, log in enumerate(heard(logs, 2), 1):
                self.assertEqual(log, {"address": "0x" + "aa" * 20, "topics": ["0x" + name(9).hex(), "0x" + name(8).hex()], "data": "0x01", "blockNumber": hex(n), "logIndex": "0x0", "removed": False})

    def test_what_does_not_fit_names_its_key(self):
        with server() as one:
            for call, kind, words in [
                (lambda: one.announce_block(None), TypeError, "block: a dict was expected, not NoneType"),
                (lambda: one.announce_block({**block(1), "number": "12"}), ValueError, "block: number: "),
                (lambda: one.announce_block({**block(1), "number": True}), ValueError, "block: number: "),
                (lambda: one.announce_block({**block(1), "number": -1}), ValueError, "block: number: "),
                (lambda: one.announce_block({**block(1), "number": 2**64}), ValueError, "block: number: "),
                (lambda: one.announce_block({**block(1), "timestamp": 1.0}), TypeError, "block: timestamp: float"),
                (lambda: one.announce_block({"number": 1, "hash": name(1)}), ValueError, "block: parentHash: is missing"),
                (lambda: one.announce_block({"hash": name(1), "parentHash": name(0)}), ValueError, "block: number: is missing"),
                (lambda: one.announce_logs(None), TypeError, "logs: a list of dicts"),
                (lambda: one.announce_logs("0x12"), TypeError, "logs: a list of dicts"),
                (lambda: one.announce_logs([{"address": b"a" * 20, "blockNumber": 1}, 7]), TypeError, "logs[1]: a dict"),
                (lambda: one.announce_logs([{"blockNumber": 1}]), ValueError, "logs[0]: address: is missing"),
                (lambda: one.announce_logs([{"address": b"a" * 20}]), ValueError, "logs[0]: "),
                (lambda: one.announce_logs([{"address": b"a" * 20, "blockNumber": 1, "topics": [name(1)] * 5}]), ValueError, "logs[0]: topics"),
                (lambda: one.announce_logs([{"address": b"a" * 20, "blockNumber": 1, "data": 1.5}]), TypeError, "logs[0]: data: float"),
                (lambda: one.announce_pending(None), ValueError, "pending transaction: "),
                (lambda: one.announce_pending("0x12"), ValueError, "pending transaction: hash: 32 bytes"),
                (lambda: one.announce_syncing(True), ValueError, "syncing: "),
                (lambda: one.move_head(None), TypeError, "hash: bytes or hexadecimal"),
                (lambda: one.move_head("0x" + "zz" * 32), ValueError, "hash: is not hexadecimal"),
                (lambda: one.move_head(name(7)), ValueError, "head: no block of that hash"),
            ]:
                with self.subTest(words), self.assertRaisesRegex(kind, re.escape(words)):
                    call()
            one.announce_block(block(1))
            self.assertEqual((one.stats["blocks"], one.stats["logs"]), (1, 0))

    def test_a_method_s_answer_may_have_fractions(self):
        with server(http_port=0, ws_port=None, methods={"eth_feeHistory": lambda params: {"gasUsedRatio": [0.5, 1e-7]}, "wrong": lambda params: object()}) as one:
            url = f"http://127.0.0.1:{one.http_port}"
            self.assertEqual(rpc(url, "eth_feeHistory")["result"], {"gasUsedRatio": [0.5, 1e-7]})
            self.assertIn("result: object", rpc(url, "wrong")["error"]["message"])

    def test_whatever_a_method_raises_its_caller_is_told(self):
        """An exception while an exception was put into words left the call without an answer for ever."""
        import fanatico
        raised = [(fanatico.RpcError(3, "reverted", object()), -32603, "Internal error: TypeError: data: object is no int, str, bytes, list or dict"),
                  (fanatico.RpcError("x", "y"), -32603, "Internal error: ValueError: invalid literal for int() with base 10: 'x'"),
                  (fanatico.RpcError(-5, None), -5, "None"), (fanatico.RpcError(-5, "\udcff"), -5, "?"),
                  (FileNotFoundError("\udcff"), -32603, "Internal error: FileNotFoundError: ?"), (KeyboardInterrupt(), -32603, "Internal error: KeyboardInterrupt: ")]

        def fail(params):
            raise raised[params[0]][0]

        with server(methods={"my_fail": fail}, http_port=0, ws_port=None) as one:
            for i, (_, code, words) in enumerate(raised):
                error = rpc(f"http://127.0.0.1:{one.http_port}", "my_fail", i)["error"]
                self.assertEqual((error["code"], error["message"]), (code, words))


class SeedLines(unittest.TestCase):
    """The document's section on integration, as it is written there, in a program of its own."""

    BEFORE = """
        import fanatico
        server = fanatico.serve(block=False, http_port=None, ws_port=0, ws_host="127.0.0.1")
        block_dict = {"hash": b"a" * 32, "parentHash": b"b" * 32, "number": 16}
        log1, log2 = ({"address": "0x" + "70" * 20, "topics": [], "data": "0x", "blockNumber": 16, "transactionHash": b"c" * 32, "logIndex": i} for i in (0, 1))
        tx_hash = "0x" + "dd" * 32
    """

    def test_the_document_s_own_lines_run(self):
        done = Script(textwrap.dedent(self.BEFORE) + textwrap.dedent("""
            from websocket_server import WebSocketEventHooks

            # When a new block is created
            WebSocketEventHooks.on_new_block(block_dict)

            # When logs are emitted
            WebSocketEventHooks.on_logs([log1, log2])

            # When a pending transaction is received
            WebSocketEventHooks.on_pending_transaction(tx_hash)
            print([server.stats[name] for name in ("blocks", "logs", "pending")])
        """))
        self.assertEqual((done.code, done.out, done.errors), (0, "[1, 2, 1]\n", ""))

    def test_the_picture_s_short_name_is_a_hook_too(self):
        done = Script(textwrap.dedent(self.BEFORE) + "from combined_server import WebSocketEventHooks\nWebSocketEventHooks.on_pending_tx(tx_hash)\nprint(server.stats['pending'])\n")
        self.assertEqual((done.code, done.out, done.errors), (0, "1\n", ""))


class Wsgi(unittest.TestCase):
    def test_a_program_behind_serve_may_answer_in_every_way_and_break(self):
        import fanatico

        def app(environ, start_response):
            call = json.loads(environ["wsgi.input"].read())
            method = call["method"]
            if method == "raises":
                raise ZeroDivisionError("boom")
            if method == "exits":
                sys.exit(3)
            if method == "nothing":
                return None
            if method == "page":
                start_response("404 NOT FOUND", [("content-type", "text/html")])
                return [b"<html>"]
            write = start_response("200 OK", [])
            if method == "writes":
                write(b'{"result":')
                return iter([b'"written"}'])
            if method == "strange":
                return [b'{"error":{"code":"x","message":5}}']
            if method == "fraction":
                return [b'{"result":[0.25,1e-9]}']
            return [json.dumps({"result": [environ["PATH_INFO"], environ["REMOTE_ADDR"], environ.get("HTTP_FORWARDED"), call["params"]]}).encode()]

        one = fanatico.serve(app=app, path="/rpc", block=False, http_port=0, ws_port=0, ws_host="127.0.0.1")
        try:
            url = f"http://127.0.0.1:{one.http_port}"
            for method, words in [("raises", "Internal error: ZeroDivisionError: boom"), ("exits", "Internal error: SystemExit: 3"), ("page", "Internal error: the host's server answered 404 NOT FOUND, which is no JSON-RPC"),
                                  ("nothing", "Internal error: the host's server answered nothing, which is no JSON-RPC"), ("strange", "5")]:
                self.assertEqual(rpc(url, method)["error"]["message"], words)
            self.assertEqual(rpc(url, "writes")["result"], "written")
            self.assertEqual(rpc(url, "fraction")["result"], [0.25, 1e-9])
            self.assertEqual(rpc(url, "anything", 7)["result"], ["/rpc", "127.0.0.1", None, [7]])
            with connect(f"ws://127.0.0.1:{one.ws_port}", additional_headers={"X-Forwarded-For": "203.0.113.7"}) as proxied:
                proxied.send('[{"jsonrpc":"2.0","id":1.10,"method":"anything","params":{"a":1}},{"jsonrpc":"2.0","id":null,"method":"raises"}]')
                first, second = proxied.recv(timeout=20).split("},{", 1)
                self.assertIn('"id":1.10', first)
                self.assertIn('"for=unknown", {"a": 1}', first)
                self.assertIn("ZeroDivisionError", second)
        finally:
            one.close()

    def test_a_method_knows_whose_call_it_is(self):
        import fanatico
        with server(http_port=0, methods={"who": lambda params: list(fanatico.client())}) as one:
            address, port, local = rpc(f"http://127.0.0.1:{one.http_port}", "who")["result"]
            self.assertEqual((address, local), ("127.0.0.1", True))
            self.assertGreater(port, 0)
            with connect(f"ws://127.0.0.1:{one.ws_port}", additional_headers={"Forwarded": "for=203.0.113.7"}) as proxied:
                proxied.send('{"jsonrpc":"2.0","id":1,"method":"who"}')
                self.assertIs(json.loads(proxied.recv(timeout=20))["result"][2], False)


class Threads(unittest.TestCase):
    def test_sixteen_threads_and_asyncio_tell_one_chain(self):
        with server() as one, subscribed(one, "newHeads") as heads:
            def feed():
                for n in range(1, 101):
                    one.announce_block(block(n))
                    one.announce_logs([{"address": b"a" * 20, "blockNumber": n, "transactionHash": name(n), "logIndex": 0}])
            threads = [threading.Thread(target=feed) for _ in range(16)]
            for t in threads:
                t.start()

            async def told():
                await asyncio.gather(*(asyncio.to_thread(one.announce_pending, name(n, 5)) for n in range(50)))
                for n in range(50):
                    one.announce_pending(name(n, 6))  # on the loop's own thread: it returns at once
            asyncio.run(told())
            for t in threads:
                t.join()
            self.assertEqual([int(h["number"], 16) for h in heard(heads, 100)], list(range(1, 101)))
            stats = one.stats
            self.assertEqual((stats["blocks"], stats["logs"], stats["pending"], stats["repeated"]), (100, 100, 100, 2 * 15 * 100))

    def test_reorgs_and_a_head_that_moves_back(self):
        with server() as one, subscribed(one, "newHeads") as heads, subscribed(one, "logs", {}) as logs:
            def log(n, branch):
                one.announce_logs([{"address": b"a" * 20, "blockHash": name(n, branch), "blockNumber": n, "logIndex": 0, "transactionHash": name(n, branch)}])
            one.announce_block(block(1))
            one.announce_block(block(2))
            log(2, 1)
            one.announce_block({"number": 2, "hash": name(2, 2), "parentHash": name(1)})  # beside the head
            log(2, 2)
            one.move_head(name(1))
            one.announce_block({"number": 2, "hash": name(2, 3), "parentHash": name(1)})
            self.assertEqual([h["hash"][2:4] for h in heard(heads, 4)], ["01", "01", "02", "03"])
            self.assertEqual([(l["blockHash"][2:4], l["removed"]) for l in heard(logs, 4)], [("01", False), ("01", True), ("02", False), ("02", True)])

    def test_logs_wait_for_their_block(self):
        with server() as one, subscribed(one, "logs", {}) as logs:
            one.announce_logs([{"address": b"a" * 20, "blockNumber": 1, "logIndex": i, "transactionHash": name(i)} for i in (1, 0)])
            self.assertEqual((one.stats["waiting_logs"], one.stats["logs"]), (2, 0))
            one.announce_block(block(1))
            self.assertEqual([l["logIndex"] for l in heard(logs, 2)], ["0x0", "0x1"])
            one.announce_logs([{"address": b"a" * 20, "blockHash": name(99, 7), "logIndex": 0}])
            for n in range(2, 132):
                one.announce_block(block(n))
            self.assertEqual((one.stats["waiting_logs"], one.stats["abandoned_logs"]), (0, 1))


class Life(unittest.TestCase):
    def test_a_closed_server_raises_and_closing_twice_is_once(self):
        one = server().start()
        with self.assertRaisesRegex(RuntimeError, "started before"):
            one.start()
        one.close()
        one.close()
        for call in (lambda: one.stats, lambda: one.ws_port, lambda: one.start(), lambda: one.announce_block(block(1)), lambda: one.move_head(name(1))):
            with self.assertRaises(RuntimeError):
                call()

    def test_closing_waits_for_hooks_under_way(self):
        for _ in range(10):
            one = server().start()
            trouble = []

            def feed():
                try:
                    for n in range(1, 100000):
                        one.announce_pending(name(n))
                except RuntimeError as e:
                    trouble.append(str(e))
            threads = [threading.Thread(target=feed) for _ in range(4)]
            for t in threads:
                t.start()
            one.close()
            for t in threads:
                t.join()
            self.assertEqual(len(trouble), 4)

    def test_a_method_cannot_end_its_own_server(self):
        holder = []
        with server(http_port=0, methods={"end": lambda params: holder[0].close()}) as one:
            holder.append(one)
            url = f"http://127.0.0.1:{one.http_port}"
            self.assertIn("cannot end the server", rpc(url, "end")["error"]["message"])
            self.assertTrue(one.running)

    def test_a_server_that_was_dropped_runs_on_and_the_program_ends_well(self):
        done = Script("""
            import fanatico, gc, json, urllib.request
            def start():
                return fanatico.Server(http_port=0, ws_port=None, methods={"host_hello": lambda params: "hello"}).start().http_port
            port = start()
            fanatico.Server(http_port=None, ws_port=0)   # never started
            gc.collect()
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "host_hello"}).encode()
            print(json.load(urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}", body, {"content-type": "application/json"})))["result"])
        """)
        self.assertEqual((done.code, done.out, done.errors), (0, "hello\n", ""))

    def test_after_fork_the_child_is_told_what_to_do(self):
        done = Script("""
            import fanatico, multiprocessing, os
            from websocket_server import WebSocketEventHooks
            server = fanatico.serve(block=False, http_port=None, ws_port=0, ws_host="127.0.0.1")
            block = {"number": 1, "hash": b"a" * 32, "parentHash": b"b" * 32}
            def worker():
                try:
                    WebSocketEventHooks.on_new_block(block)
                except RuntimeError as e:
                    print(e, flush=True)
                server.close()
            child = multiprocessing.get_context("fork").Process(target=worker)
            child.start(); child.join(20)
            print(child.exitcode, flush=True)
            WebSocketEventHooks.on_new_block(block)
            print(server.stats["blocks"])
        """)
        self.assertEqual((done.code, done.errors), (0, ""))
        lines = done.out.splitlines()
        self.assertRegex(lines[0], r"^the server runs in process \d+, which this one was forked from: tell it through its feed \(feed_path\)$")
        self.assertEqual(lines[1:], ["0", "1"])

    def test_pre_forked_workers_feed_one_server_through_its_socket(self):
        done = Script("""
            import fanatico, json, multiprocessing, os, socket
            path = os.path.join(os.getcwd(), "prefork.sock")
            def worker(n):
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(path)
                    for i in range(1, 101):
                        name = lambda k: "0x" + k.to_bytes(32, "big").hex()
                        s.sendall(json.dumps({"hook": "on_new_block", "arg": {"number": i, "hash": name(i), "parentHash": name(i - 1)}}).encode() + b"\\n")
                    s.shutdown(socket.SHUT_WR)
                    assert s.recv(100) == b""
            with fanatico.Server(http_port=None, ws_port=0, ws_host="127.0.0.1", feed_path=path) as server:
                children = [multiprocessing.get_context("fork").Process(target=worker, args=(n,)) for n in range(4)]
                for c in children: c.start()
                for c in children: c.join(30)
                print([c.exitcode for c in children], server.stats["blocks"], server.stats["repeated"])
        """)
        self.assertEqual((done.code, done.out, done.errors), (0, "[0, 0, 0, 0] 100 300\n", ""))


class Commands(unittest.TestCase):
    def test_sigterm_while_standard_input_is_open_is_an_ordinary_end(self):
        one = Program(sys.executable, "-m", "fanatico.websocket_server", "--ws-port", "0", "--stdin", env={"WS_HOST": "127.0.0.1"}, stdin=subprocess.PIPE)
        with connect(one.url("ws")) as socket:
            one.process.stdin.write("what?\n")
            one.process.stdin.flush()
            self.assertRegex(one.process.stderr.readline(), "^line 1: byte 0")
            one.process.terminate()
            self.assertEqual(one.process.wait(timeout=20), 0)
            with self.assertRaises(ConnectionClosed) as closed:
                socket.recv(timeout=20)
            self.assertEqual(closed.exception.rcvd.code, 1001)

    def test_what_a_variable_or_a_flag_may_not_be_is_one_line(self):
        for args, env, words in [
            ([], {"WS_PORT": "abc"}, r"WS_PORT: 'abc' is not a port"), ([], {"PING_INTERVAL": "soon"}, r"PING_INTERVAL: 'soon' is not a duration"),
            ([], {"MAX_CONNECTIONS": "0"}, r"MAX_CONNECTIONS: '0' is not a count"), (["--ws-port", "70000"], {}, r"--ws-port: '70000' is not a port"),
            (["--nonsense"], {}, r"--nonsense"), (["--app", "no_such_module:app"], {}, r"--app: there is no module 'no_such_module' here"), (["--app", "json:nothing"], {}, r"--app: json has no program 'nothing'"),
        ]:
            with self.subTest(words):
                one = Program(sys.executable, "-m", "fanatico.combined_server", *args, env=env)
                one.process.wait(timeout=20)
                code, out, errors = one.end()
                self.assertEqual((code, out), (2, ""))
                self.assertRegex(errors, words)
                self.assertEqual(len(errors.strip().splitlines()), 1)

    def test_an_empty_variable_is_one_that_is_not_set_and_help_fits(self):
        done = Program(sys.executable, "-m", "fanatico.combined_server", "--help", env={"MAX_CONNECTIONS": "", "COLUMNS": "80"})
        done.process.wait(timeout=20)
        code, out, _ = done.end()
        self.assertEqual(code, 0)
        self.assertLessEqual(max(map(len, out.splitlines())), 80)
        for variable in ("WS_HOST", "WS_PORT", "MAX_CONNECTIONS", "PING_INTERVAL", "PING_TIMEOUT", "MAX_SUBSCRIPTIONS_PER_CONNECTION"):
            self.assertIn(variable, re.sub(r"\s+", " ", out))


if __name__ == "__main__":
    unittest.main(verbosity=2)
