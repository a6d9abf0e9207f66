"""The package of python/ as its users have it: pip makes the wheel, installs it into a folder of its own, and tests run there."""
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

SOURCE = os.environ.get("FANATICO_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("FANATICO_BUILD") or os.path.join(SOURCE, "build")
BIN = os.environ.get("FANATICO_BIN") or os.path.join(BUILD, "release")
SCRATCH = tempfile.TemporaryDirectory(prefix="fanatico-test-")
SITE = os.path.join(SCRATCH.name, "site")


def install():
    """pip makes the wheel of the folder and installs it, with the library in it."""
    env = {**os.environ, "FANATICO_LIBRARY": os.path.join(BIN, "libfanatico.so")}
    with open(os.path.join(BUILD, "wheel.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # setuptools works inside the source folder: one at a time
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", SCRATCH.name, os.path.join(SOURCE, "python")],
                       check=True, env=env, cwd=SCRATCH.name)
    wheel, = [name for name in os.listdir(SCRATCH.name) if name.endswith(".whl")]
    assert re.match(r"fanatico-\d+\.\d+\.\d+-py3-none-linux_", wheel), wheel
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", SITE, os.path.join(SCRATCH.name, wheel)], check=True)
    sys.path.insert(0, SITE)
    os.environ.pop("FANATICO_LIBRARY", None)
    return os.path.join(SCRATCH.name, wheel)


def rpc(url, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"}), timeout=20) as reply:
        return json.load(reply)


class Program:
    """Something that prints its URLs when it accepts."""

    def __init__(self, *args, env=None, cwd=None, stdin=None):
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=stdin, text=True, cwd=cwd or SCRATCH.name,
                                        env={**os.environ, "PYTHONPATH": SITE, **(env or {})})
        self.lines = []

    def url(self, scheme):
        while True:
            for line in self.lines:
                found = re.search(scheme + r"://[\w.:]+", line)
                if found:
                    return found.group(0).replace("0.0.0.0", "127.0.0.1")
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"no {scheme} URL: {''.join(self.lines)} {self.process.stderr.read()}")
            self.lines.append(line)

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            out, errors = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, errors = self.process.communicate()
        return self.process.returncode, out, errors


def block(number, branch=1, **more):
    def name(b, n):
        return bytes([b]) + n.to_bytes(31, "big")
    return {"number": number, "hash": name(branch, number), "parentHash": name(1, number - 1), **more}
