"""The Python package as its users have it: a wheel installed beside a Flask node, its commands, the seed's lines; asked by web3.py and ethers."""
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import unittest

from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider

from installed import BUILD, SCRATCH, SOURCE, Program, block, install, rpc


def setUpModule():
    install()


def tearDownModule():
    SCRATCH.cleanup()


class Hooks(unittest.TestCase):
    def test_the_struct_is_the_header_s(self):
        """ctypes and C agree on every offset."""
        from fanatico import _library
        names = [name for name, _ in _library.Options._fields_]
        text = "#include <fanatico/fanatico.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n" + "".join(
            f'printf("{n} %zu\\n", offsetof(struct fan_server_options, {n}));\n' for n in names) + \
            'printf("all %zu\\n", sizeof(struct fan_server_options)); printf("stats %zu\\n", sizeof(struct fan_server_stats)); return 0; }\n'
        path = os.path.join(SCRATCH.name, "offsets")
        with open(path + ".c", "w", encoding="utf-8") as f:
            f.write(text)
        subprocess.run(["cc", "-I", os.path.join(SOURCE, "include"), "-o", path, path + ".c"], check=True)
        told = dict(line.split() for line in subprocess.run([path], capture_output=True, text=True, check=True).stdout.splitlines())
        import ctypes
        self.assertEqual(int(told.pop("all")), ctypes.sizeof(_library.Options))
        self.assertEqual(int(told.pop("stats")), ctypes.sizeof(_library.Stats))
        self.assertEqual({n: int(v) for n, v in told.items()}, {n: getattr(_library.Options, n).offset for n in names})

    def test_hooks_before_the_start_raise(self):
        from fanatico.websocket_server import WebSocketEventHooks as hooks
        for call in (lambda: hooks.on_new_block(block(1)), lambda: hooks.on_logs([]), lambda: hooks.on_pending_transaction("0x" + "11" * 32)):
            with self.assertRaises(RuntimeError):
                call()

    def test_wrong_values_name_their_key_and_the_server_goes_on(self):
        import fanatico
        with fanatico.Server(ws_port=0, ws_host="127.0.0.1", http_port=None) as server:
            for call, kind, words in [
                (lambda: server.announce_block({"number": 1}), ValueError, "block: hash: is missing"),
                (lambda: server.announce_block(block(1, gasLimit="lots")), ValueError, "block: gasLimit: "),
                (lambda: server.announce_block(block(1, gasLimit=1.5)), TypeError, "gasLimit: float"),
                (lambda: server.announce_block(block(1, hash=b"short")), ValueError, "block: hash: 32 bytes"),
                (lambda: server.announce_block([1]), TypeError, "a dict was expected, not list"),
                (lambda: server.announce_logs([{"address": "0x12", "blockNumber": 1}]), ValueError, "logs[0]: address: 20 bytes"),
                (lambda: server.announce_pending(12), ValueError, "pending transaction: "),
                (lambda: server.announce_syncing({"currentBlock": "x"}), ValueError, "syncing: currentBlock"),
                (lambda: server.move_head(b"1"), ValueError, "hash: 32 bytes"),
            ]:
                if words.startswith("block: hash: 32"):
                    call = lambda: server.announce_block({**block(1), "hash": b"short"})
                with self.assertRaisesRegex(kind, re.escape(words)):
                    call()
            server.announce_block(block(1, unknown=object()))
            self.assertEqual(server.stats["blocks"], 1)
        with self.assertRaises(RuntimeError):
            server.announce_block(block(2))

    def test_ports_in_use_and_unknown_options_are_told(self):
        import fanatico
        with self.assertRaisesRegex(TypeError, "ws_prot: no such option"):
            fanatico.Server(ws_prot=1)
        with fanatico.Server(ws_port=0, ws_host="127.0.0.1", http_port=None) as server:
            other = fanatico.Server(ws_port=server.ws_port, ws_host="127.0.0.1", http_port=None)
            with self.assertRaisesRegex(OSError, f"127.0.0.1:{server.ws_port}"):
                other.start()
            other.close()

    def test_methods_and_hooks_from_many_threads(self):
        import fanatico

        def later(params):
            time.sleep(0.05)
            return {"echo": params, "bytes": b"\x01\x02"}

        def wrong(params):
            raise fanatico.RpcError(3, "execution reverted", "0x08c379a0")

        def broken(params):
            return 1 // 0

        with fanatico.Server(http_port=0, ws_port=None, methods={"host_later": later, "eth_call": wrong, "host_broken": broken},
                             fallback=lambda method, params: f"{method} {len(params)}", call_threads=8) as server:
            url = f"http://127.0.0.1:{server.http_port}"
            self.assertEqual(rpc(url, "host_later", 1, [2])["result"], {"echo": [1, [2]], "bytes": "0x0102"})
            self.assertEqual(rpc(url, "eth_call")["error"], {"code": 3, "message": "execution reverted", "data": "0x08c379a0"})
            self.assertIn("ZeroDivisionError", rpc(url, "host_broken")["error"]["message"])
            self.assertEqual(rpc(url, "anything", 1)["result"], "anything 1")

            def feed(which):
                for n in range(1, 201):
                    server.announce_block(block(n))
                    server.announce_pending(bytes([which]) + n.to_bytes(31, "big"))
            threads = [threading.Thread(target=feed, args=(i,)) for i in range(1)] + [
                threading.Thread(target=lambda: [rpc(url, "host_later") for _ in range(5)]) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual((server.stats["blocks"], server.stats["pending"]), (200, 200))

    def test_several_processes_feed_one_server_and_wrong_lines_are_answered(self):
        import fanatico
        path = os.path.join(SCRATCH.name, "feed.sock")
        with fanatico.Server(http_port=None, ws_port=0, ws_host="127.0.0.1", feed_path=path) as server:
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
            script = textwrap.dedent("""
                import json, socket, sys
                s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile("rw")
                for n in range(1, 301):
                    name = lambda k: "0x01" + k.to_bytes(31, "big").hex()
                    print(json.dumps({"hook": "on_new_block", "arg": {"number": n, "hash": name(n), "parentHash": name(n - 1)}}), file=f)
                print("nonsense", file=f); print(json.dumps({"hook": "on_new_moon", "arg": 1}), file=f); f.flush()
                s.shutdown(socket.SHUT_WR)
                print([json.loads(line) for line in f])
            """)
            feeders = [subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE, text=True) for _ in range(3)]
            for feeder in feeders:
                out, _ = feeder.communicate(timeout=60)
                answers = eval(out)
                self.assertEqual([a["line"] for a in answers][-2:], [301, 302])
                self.assertIn("on_new_moon", answers[-1]["error"])
            self.assertEqual(server.stats["blocks"], 300)
            with self.assertRaisesRegex(OSError, "another process listens there"):
                fanatico.Server(http_port=None, ws_port=0, ws_host="127.0.0.1", feed_path=path).start()
        self.assertFalse(os.path.exists(path))


class FlaskNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Program(sys.executable, os.path.join(SOURCE, "examples/flask_l1/node.py"), "--http-port", "0", "--ws-port", "0")
        cls.http, cls.ws = cls.node.url("http"), cls.node.url("ws")

    @classmethod
    def tearDownClass(cls):
        code, _, errors = cls.node.end(signal.SIGINT)
        assert code == 0 and "Traceback" not in errors, errors

    def test_web3py_subscribes_and_reads(self):
        async def session():
            async with AsyncWeb3(WebSocketProvider(self.ws)) as w3:
                heads = await w3.eth.subscribe("newHeads")
                logs = await w3.eth.subscribe("logs", {"address": Web3.to_checksum_address("0x" + "70" * 20)})
                pending = await w3.eth.subscribe("newPendingTransactions")
                tx = rpc(self.http, "l1_transfer", "0x" + "a1" * 20, "0x" + "b2" * 20, "0x5")["result"]
                heard = {}
                async for message in w3.socket.process_subscriptions():
                    heard[message["subscription"]] = message["result"]
                    if len(heard) == 3:
                        break
                number = heard[heads]["number"]
                self.assertEqual(number, await w3.eth.block_number)
                self.assertEqual((await w3.eth.get_block(number))["hash"], heard[heads]["hash"])
                self.assertEqual(heard[logs]["transactionHash"].to_0x_hex(), tx)
                self.assertEqual(int.from_bytes(heard[logs]["data"], "big"), 5)
                self.assertEqual(heard[pending].to_0x_hex(), tx)
                self.assertEqual(await w3.eth.get_balance(Web3.to_checksum_address("0x" + "b2" * 20)), int(rpc(self.http, "eth_getBalance", "0x" + "b2" * 20)["result"], 16))
        asyncio.run(asyncio.wait_for(session(), 60))
        self.assertEqual(Web3(HTTPProvider(self.http)).client_version, "flask-l1/1.0")

    def test_ethers_subscribes_and_a_reorg_is_told(self):
        script = r"""
          const { WebSocketProvider, id } = require('ethers');
          (async () => {
            const provider = new WebSocketProvider(process.argv[1]);
            const token = '0x' + '70'.repeat(20), topic = id('Transfer(address,address,uint256)');
            const blocks = [], logs = [], removed = [];
            // ethers tells what was removed to listeners for "orphan" alone: a bare client hears it from the wire.
            const ws = new (require('ws'))(process.argv[1]);
            await new Promise((done) => ws.once('open', done));
            ws.on('message', (m) => { const p = JSON.parse(m).params; if (p) removed.push([Number(p.result.blockNumber), p.result.removed]); });
            ws.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['logs', { topics: [topic] }] }));
            await new Promise((done) => ws.once('message', done));
            await provider.on('block', (n) => blocks.push(n));
            await provider.on({ address: token, topics: [topic] }, (log) => logs.push([log.blockNumber, BigInt(log.data).toString(), log.removed]));
            const from = '0x' + 'a1'.repeat(20), to = '0x' + 'c3'.repeat(20);
            const before = await provider.getBlockNumber();
            await provider.send('l1_transfer', [from, to, '0x7']);
            await provider.send('l1_reorg', [1]);
            for (let i = 0; i < 500 && (logs.length < 1 || removed.length < 2); i++) await new Promise((r) => setTimeout(r, 20));
            console.log(JSON.stringify({ before, after: Number(await provider.send('eth_blockNumber', [])), blocks, logs, removed, chain: Number((await provider.getNetwork()).chainId) }));
            process.exit(0);
          })();
        """
        out = subprocess.run(["node", "-e", script, self.ws], capture_output=True, text=True, timeout=60, env={**os.environ, "NODE_PATH": os.path.join(BUILD, "npm/node_modules")})
        told = json.loads(out.stdout or json.dumps(out.stderr))
        self.assertEqual(told["chain"], 4242)
        self.assertEqual(told["after"], told["before"] + 1)
        self.assertEqual(told["logs"], [[told["before"] + 1, "7", False]])
        self.assertEqual(told["removed"], [[told["before"] + 1, False], [told["before"] + 1, True]])

    def test_a_method_that_flask_does_not_have_is_flask_s_error(self):
        error = rpc(self.http, "eth_nonsense")["error"]
        self.assertEqual((error["code"], error["message"]), (-32601, "the method eth_nonsense does not exist"))


class Commands(unittest.TestCase):
    def check_ws(self, url, chain_id):
        async def session():
            async with AsyncWeb3(WebSocketProvider(url)) as w3:
                self.assertEqual(await w3.eth.chain_id, chain_id)
                self.assertRegex(await w3.eth.subscribe("newHeads"), "^0x[0-9a-f]{32}$")
        asyncio.run(asyncio.wait_for(session(), 60))

    def test_the_commands_as_modules_and_as_files(self):
        """python -m fanatico.websocket_server, python3 websocket_server.py, and the same of combined_server."""
        for args in (["-m", "fanatico.websocket_server"], [os.path.join(SOURCE, "python/websocket_server.py")]):
            one = Program(sys.executable, *args, "--ws-port", "0", "--chain-id", "77", env={"WS_HOST": "127.0.0.1"})
            self.check_ws(one.url("ws"), 77)
            self.assertEqual(one.end()[0], 0)
        for args in (["-m", "fanatico.combined_server"], [os.path.join(SOURCE, "python/combined_server.py")]):
            one = Program(sys.executable, *args, "--http-port", "0", "--ws-port", "0", "--chain-id", "78", env={"WS_HOST": "127.0.0.1"})
            self.assertEqual(rpc(one.url("http"), "eth_chainId")["result"], "0x4e")
            self.check_ws(one.url("ws"), 78)
            self.assertEqual(one.end()[0], 0)

    def test_the_seed_s_parameters_are_variables(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        one = Program(sys.executable, "-m", "fanatico.websocket_server", "--chain-id", "5", env={
            "WS_HOST": "127.0.0.1", "WS_PORT": str(port), "MAX_CONNECTIONS": "1", "PING_INTERVAL": "30s", "PING_TIMEOUT": "500ms", "MAX_SUBSCRIPTIONS_PER_CONNECTION": "1"})
        self.assertEqual(one.url("ws"), f"ws://127.0.0.1:{port}")

        async def session():
            async with AsyncWeb3(WebSocketProvider(f"ws://127.0.0.1:{port}")) as w3:
                await w3.eth.subscribe("newHeads")
                with self.assertRaisesRegex(Exception, "-32000"):
                    await w3.eth.subscribe("newHeads")
                with self.assertRaises(Exception):
                    async with AsyncWeb3(WebSocketProvider(f"ws://127.0.0.1:{port}", max_connection_retries=1)):
                        pass
        asyncio.run(asyncio.wait_for(session(), 60))
        self.assertEqual(one.end()[0], 0)

    def test_combined_before_another_server_and_with_hooks_on_standard_input(self):
        node = Program(sys.executable, os.path.join(SOURCE, "examples/flask_l1/node.py"), "--http-port", "0", "--ws-port", "0")
        front = Program(sys.executable, "-m", "fanatico.combined_server", "--http-port", "0", "--ws-port", "0", "--ws-host", "127.0.0.1", "--stdin",
                        "--upstream-http", node.url("http"), stdin=subprocess.PIPE)
        self.assertEqual(rpc(front.url("http"), "web3_clientVersion")["result"], "flask-l1/1.0")
        self.assertEqual(rpc(front.url("http"), "l1_transfer", "0x" + "dd" * 20, "0x" + "ee" * 20, "0x1")["error"]["message"], "insufficient funds for transfer")

        async def session():
            async with AsyncWeb3(WebSocketProvider(front.url("ws"))) as w3:
                await w3.eth.subscribe("newHeads")
                one = {k: ("0x" + v.hex() if isinstance(v, bytes) else v) for k, v in block(9, timestamp=1700000000).items()}
                front.process.stdin.write("nonsense\n" + json.dumps({"hook": "on_new_block", "arg": one}) + "\n")
                front.process.stdin.flush()
                async for message in w3.socket.process_subscriptions():
                    self.assertEqual(message["result"]["number"], 9)
                    break
                self.assertEqual(await w3.eth.block_number, int(rpc(node.url("http"), "eth_blockNumber")["result"], 16))
        asyncio.run(asyncio.wait_for(session(), 60))
        node.end(signal.SIGINT)
        self.assertRegex(rpc(front.url("http"), "eth_gasPrice")["error"]["message"], "^the node upstream: eth_gasPrice: Connection refused$")
        code, _, errors = front.end()
        self.assertEqual(code, 0)
        self.assertIn("line 1: ", errors)

    def test_wrong_options_are_one_line_and_code_2(self):
        for args, words in ((["--upstream-http", "ftp://x"], ": --upstream-http: it begins with none of"), (["--ws-host", "256.1.1.1", "--ws-port", "0"], "256.1.1.1")):
            one = Program(sys.executable, "-m", "fanatico.websocket_server", *args)
            one.process.wait(timeout=20)
            code, _, errors = one.end()
            self.assertEqual(code, 2)
            self.assertIn(words, errors)
            self.assertEqual(len(errors.strip().splitlines()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
