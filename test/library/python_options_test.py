"""The options of the Python commands: those of `fanatico ws`, by flag, variable and TOML file, and what they do."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

from installed import BIN, SCRATCH, SITE, Program, install, rpc

NOT_HERE = {"log-level", "log-format", "log-file"}  # the library writes no log


def setUpModule():
    install()


def tearDownModule():
    SCRATCH.cleanup()


def run(command, *args, env=None):
    done = subprocess.run([sys.executable, "-m", f"fanatico.{command}", *args], capture_output=True, text=True, cwd=SCRATCH.name, timeout=60,
                          env={**os.environ, "PYTHONPATH": SITE, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def write(name, text):
    path = os.path.join(SCRATCH.name, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


class Options(unittest.TestCase):
    def test_every_option_of_fanatico_ws_is_one_here(self):
        def flags(text):
            return set(re.findall(r"^  --([\w-]+)", text, re.M)) - {"help"}
        binary = flags(subprocess.run([os.path.join(BIN, "fanatico"), "ws", "--help"], capture_output=True, text=True, check=True).stdout)
        alone, both = (flags(run(command, "--help")[1]) for command in ("websocket_server", "combined_server"))
        self.assertGreater(len(binary), 40)
        self.assertEqual(binary - alone, NOT_HERE)
        self.assertEqual(alone - binary, {"stdin"})
        self.assertEqual(both - alone, {"http-host", "http-port", "http-corsdomain", "http-api", "http-rpcprefix", "app", "app-path"})

    def test_a_flag_wins_over_its_variable_and_that_over_the_file(self):
        path = write("three.toml", 'max-connections = 3\nping-interval = "3s"\n[notify]\nage = 3 # below a table\n[ws]\norigins = ["http://a", "http://b"]\n'
                                   'port = 0\n[http]\nport = 1\n[block]\ntime = "1s" # the node\'s\n')
        code, out, errors = run("websocket_server", "--config", path, "--max-connections", "1", "--print-config",
                                env={"MAX_CONNECTIONS": "2", "PING_INTERVAL": "2500ms"})
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("\nmax-connections = 1 # --max-connections\n", out)
        self.assertIn('\nping-interval = "2500ms" # PING_INTERVAL\n', out)
        self.assertIn(f'\nnotify-age = "3" # {path}: line 4: notify.age\n', out)
        self.assertIn('\nws-origins = "http://a,http://b" # ', out)
        self.assertIn('\n# ping-timeout = "10"\n', out)
        self.assertNotIn("block-time", out)
        again = write("again.toml", out)
        self.assertEqual(run("websocket_server", "--config", again, "--check-config"), (0, "the configuration is good\n", ""))

    def test_the_binary_s_file_is_taken_as_it_is(self):
        shown = subprocess.run([os.path.join(BIN, "fanatico"), "ws", "--print-config", "--ws-port", "0", "--max-connections", "5"],
                               capture_output=True, text=True, check=True).stdout
        code, out, errors = run("combined_server", "--config", write("binary.toml", shown), "--print-config")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("\nmax-connections = 5 # ", out)

    def test_what_does_not_fit_is_told_with_its_place(self):
        for text, words in [("max-conections = 5\n", "line 1: max-conections: unknown key"), ("\n[ws]\nport = 5\nports = 5\n", "line 4: ws.ports: unknown key"),
                            ("config = \"x\"\n", "line 1: config: unknown key"), ("ws-port = 70000\n", "line 1: ws-port: '70000' is not a port"),
                            ("ws-port = [1]\n", "line 1: ws-port: one value, not an array"), ("takeover = \"yes\"\n", "line 1: takeover: 'yes' is not true or false"),
                            ("a = \n", "at line 1"), ("ws-port = 1\n[ws]\nport = 2\n", "ws.port: stands there twice")]:
            code, _, errors = run("websocket_server", "--config", write("wrong.toml", text))
            self.assertEqual(code, 2, text)
            self.assertIn(words, errors)
            self.assertEqual(errors.count("\n"), 1)
        for args, words in [(["--config", "nowhere.toml"], "--config: nowhere.toml: No such file"), (["--input-memory", "5X"], "--input-memory: '5X' is not a size"),
                            (["--tls-cert", "x"], "--tls-key: which file? --tls-cert needs it"), (["--metrics-access", "ws_port"], '--metrics-access: "ws_port" is not'),
                            (["--ws-prt", "1"], "--ws-prt"), (["--ws-api", ",".join(map(str, range(70)))], "--ws-api: at most 64"),
                            (["--jwt-secret", "nowhere"], "--jwt-secret: nowhere"), (["--rpc-batch-response-max-size", "3G"], "--rpc-batch-response-max-size: at most")]:
            code, _, errors = run("websocket_server", "--check-config", *args)
            self.assertEqual(code, 2, args)
            self.assertIn(words, errors)

    def test_limits_ports_and_the_way_out(self):
        ready = os.path.join(SCRATCH.name, "ready.json")
        one = Program(sys.executable, "-m", "fanatico.combined_server", "--http.addr", "127.0.0.1", "--http.port=0", "--ws.addr", "127.0.0.1", "--ws-port", "0", "--chain-id", "7",
                      "--ready-file", ready, "--rpc-batch-request-limit", "2", "--metrics-port", "0", "--metrics-access", "none", "--drain-delay", "60")
        http, metrics = one.url("http"), one.url("Metrics    http")[11:]
        with open(ready, encoding="utf-8") as f:
            ports = json.load(f)
        self.assertEqual(ports["pid"], one.process.pid)
        self.assertTrue(http.endswith(f":{ports['http_port']}") and metrics.endswith(f":{ports['metrics_port']}") and one.url("ws").endswith(f":{ports['ws_port']}"))
        item = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
        for count, code in ((2, None), (3, -32600)):
            request = urllib.request.Request(http, json.dumps([item] * count).encode(), {"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=20) as reply:
                told = json.load(reply)
            self.assertEqual(told["error"]["code"] if code else len(told), code or 2)
        self.assertIn("fanatico_connections", get(metrics + "/metrics")[1])
        self.assertEqual(get(http + "/metrics")[0], 403)
        self.assertEqual(get(http + "/readyz"), (200, "ready\n"))
        one.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 20
        while get(http + "/readyz")[0] != 503:  # it goes on, for load balancers to look elsewhere
            self.assertLess(time.monotonic(), until)
        self.assertEqual(rpc(http, "eth_chainId")["result"], "0x7")
        self.assertEqual(one.end()[0], 0)  # the second signal ends the delay


if __name__ == "__main__":
    unittest.main()
