"""The unit of packaging/ and the binary it starts: what systemd says of the sandbox, what the binary says to systemd, and that it
stays within the sandbox's system calls and memory. There need be no systemd running: its tools judge the unit, and a socket of
ours hears what systemd would."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(os.environ.get("FANATICO_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
BIN = pathlib.Path(os.environ.get("FANATICO_BIN") or ROOT / "build/release") / "fanatico"
UNIT = ROOT / "packaging/fanatico.service"
EXPOSURE_MAX = 1.5


def until(what, check, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = check()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


class Service:
    """A node as the unit starts it, on free ports, in a folder of its own; `heard` is what it told systemd."""

    def __init__(self, before=(), env=None, abstract=False, options=()):
        self.dir = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.dir.name)
        self.hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = f"@fanatico-test-{os.getpid()}-{id(self)}" if abstract else str(self.path / "notify")
        self.hears.bind("\0" + name[1:] if abstract else name)
        self.hears.settimeout(0.01)
        self.heard = []
        data, ready = self.path / "data", self.path / "ready"
        subprocess.run([BIN, "init", "--datadir", data, "--genesis", ROOT / "packaging/genesis.json"], check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [*before, BIN, "node", "--datadir", data, "--silent", "--http-port", "0", "--ws-port", "0", "--ws-host", "127.0.0.1", "--metrics-port", "0",
             "--ready-file", ready, *options],
            env={**os.environ, "NOTIFY_SOCKET": name, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.ready = json.loads(until("the ready file", lambda: ready.exists() and ready.read_text()))
        self.pid = self.ready["pid"]

    def listen(self):
        try:
            while True:
                self.heard.append(self.hears.recv(4096).decode())
        except TimeoutError:
            return self.heard

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.ready['http_port']}", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def end(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        out = self.process.communicate(timeout=30)[0].decode()
        self.listen()
        self.hears.close()
        self.dir.cleanup()
        return self.process.returncode, out


def judged_unit(folder):
    """The unit with the binary that was built in the place of the one that is to be installed."""
    path = pathlib.Path(folder) / "fanatico.service"
    path.write_text(UNIT.read_text().replace("/usr/bin/fanatico", str(BIN)))
    return path


class Sandbox(unittest.TestCase):
    def test_systemd_finds_nothing_wrong_with_the_unit(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(["systemd-analyze", "verify", "--man=no", judged_unit(folder)], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

    def test_the_exposure_that_systemd_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", judged_unit(folder)], capture_output=True, text=True)
        level = float(re.search(r"Overall exposure level for fanatico.service: ([\d.]+)", run.stdout).group(1))
        print(f"exposure of the unit: {level} of 10 (systemd-analyze security)")
        self.assertLessEqual(level, EXPOSURE_MAX)

    def allowed(self):
        """The system calls that SystemCallFilter= lets through."""
        calls = set()
        for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.M):
            names = set()
            pending = line.lstrip("~").split()
            while pending:
                name = pending.pop()
                if name.startswith("@"):
                    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True).stdout
                    pending += [word for word in (raw.strip() for raw in text.split("\n")[1:]) if word and not word.startswith("#")]
                else:
                    names.add(name)
            calls = calls - names if line.startswith("~") else calls | names
        return calls

    def test_the_node_gets_by_with_the_system_calls_it_is_allowed(self):
        allowed = self.allowed()
        self.assertGreater(len(allowed), 150)
        with tempfile.NamedTemporaryFile("r") as trace:
            service = Service(["strace", "-f", "-qq", "-o", trace.name], options=["--log-file", str(pathlib.Path(tempfile.gettempdir()) / f"fanatico-{os.getpid()}.log")])
            try:
                self.assertEqual(service.rpc("eth_chainId")["result"], "0x1352906")
                until("a block", lambda: service.rpc("eth_blockNumber")["result"] != "0x0")
                with urllib.request.urlopen(f"http://127.0.0.1:{service.ready['metrics_port']}/metrics", timeout=10) as reply:
                    self.assertIn(b"fanatico_store_commit_seconds_count", reply.read())
                os.kill(service.pid, signal.SIGHUP)
                time.sleep(0.3)
            finally:
                code, out = service.end()
            self.assertEqual(code, 0, out)
            used = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", trace.read(), re.M))
        (pathlib.Path(tempfile.gettempdir()) / f"fanatico-{os.getpid()}.log").unlink()
        beyond = used - allowed - {"exit", "restart_syscall"} - {"execve"}  # execve is systemd's own
        # prlimit and the priority of threads are refused with EPERM, and nothing depends on them
        print(f"{len(used)} system calls used, {len(allowed)} allowed; refused with EPERM: {', '.join(sorted(beyond)) or 'none'}")
        self.assertLessEqual(beyond, {"setrlimit"})

    def test_a_reload_without_certificate_and_log_file_ends_nothing(self):
        service = Service()
        try:
            os.kill(service.pid, signal.SIGHUP)
            time.sleep(0.3)
            self.assertEqual(service.rpc("eth_chainId")["result"], "0x1352906")
        finally:
            code, out = service.end()
        self.assertEqual(code, 0, out)

    def test_no_memory_is_both_writable_and_executable(self):
        service = Service()
        try:
            service.rpc("eth_call", {"to": "0x" + "00" * 19 + "01", "data": "0x"}, "latest")
            maps = pathlib.Path(f"/proc/{service.pid}/maps").read_text()
        finally:
            service.end()
        self.assertEqual([line for line in maps.split("\n") if re.search(r" .w.?x", line[:60])], [])


class Notifications(unittest.TestCase):
    def test_ready_once_it_serves_then_the_watchdog_then_stopping(self):
        for abstract in (False, True):
            service = Service(env={"WATCHDOG_USEC": "2200000"}, abstract=abstract)
            try:
                until("READY", lambda: "READY=1\nSTATUS=serving" in service.listen())
                self.assertEqual(service.heard[0], "READY=1\nSTATUS=serving")
                until("two signs of life", lambda: service.listen().count("WATCHDOG=1") >= 2)
            finally:
                code, out = service.end()
            self.assertEqual(code, 0, out)
            self.assertEqual(service.heard[-1], "STOPPING=1")

    def test_where_nobody_asks_nothing_is_sent(self):
        service = Service(env={"NOTIFY_SOCKET": ""})
        try:
            self.assertEqual(service.rpc("eth_chainId")["result"], "0x1352906")
            time.sleep(0.3)
            self.assertEqual(service.listen(), [])
        finally:
            self.assertEqual(service.end()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
