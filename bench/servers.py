"""Starting and ending what is measured: our server, the bare ones, and the peers that are installed."""
import glob
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("FANATICO_BIN", os.path.join(SOURCE, "build", "release"))
CACHE = os.environ.get("FANATICO_CACHE", os.path.join(os.path.expanduser("~"), ".cache", "fanatico"))

SETTLE = True  # wait until a started server is at rest; a run that judges no time need not


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A program on a port, ended by its own pid."""

    def __init__(self, name, command, port, order, patience_s=30):
        self.name, self.port, self.order = name, port, order
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        end = time.monotonic() + patience_s
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    said = self.said()[-500:]
                    self.stop()
                    raise RuntimeError(f"{name} does not start: {said}") from None
                time.sleep(0.05)

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {method}: {answer['error']}")
        return answer["result"]

    def ticks(self):
        """Processor time so far, in hundredths of a second."""
        return sum(int(x) for x in open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()[11:13])

    def settle(self, seconds=30):
        """Waits until what a start leaves running in the background (KZG tables, in ours) has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = self.ticks()
            time.sleep(1)
            if self.ticks() - before <= 1:
                return

    def said(self):
        """What it has printed so far."""
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0).decode(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


MINE = ["--burst", "anvil_mine"]


def fanatico(*more):
    port = free_port()
    s = Server("fanatico", [os.path.join(BIN, "fanatico"), "dev", "--port", str(port), "--silent", "--max-connections",
                            "20000", "--http-max-connections", "20000", *more], port, MINE)
    if SETTLE:
        s.settle()
    return s


def certificate():
    """A certificate for loopback that signs itself, and its key, in one file: made once a run."""
    if not hasattr(certificate, "path"):
        certificate.folder = tempfile.TemporaryDirectory()
        certificate.path = os.path.join(certificate.folder.name, "both.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", certificate.path, "-out", certificate.path + ".crt"],
                       check=True, capture_output=True)
        with open(certificate.path, "a") as both, open(certificate.path + ".crt") as crt:
            both.write(crt.read())
    return certificate.path


def fanatico_tls():
    s = fanatico("--tls-cert", certificate(), "--tls-key", certificate())
    s.order = [*MINE, "--tls"]
    s.name = "fanatico, TLS"
    return s


def haproxy(behind):
    """HAProxy in front of a node that speaks plain, with a thread for each of its workers; None where it is not installed."""
    if not os.path.exists("/usr/sbin/haproxy"):
        return None
    port, folder = free_port(), tempfile.mkdtemp()
    with open(os.path.join(folder, "haproxy.cfg"), "w") as f:
        f.write(f"""global
    maxconn 9000
    nbthread {os.cpu_count()}
defaults
    mode tcp
    timeout connect 5s
    timeout client 75s
    timeout server 75s
frontend wss
    bind 127.0.0.1:{port} ssl crt {certificate()} alpn http/1.1
    default_backend node
backend node
    server node1 127.0.0.1:{behind.port} send-proxy-v2
""")
    s = Server("HAProxy, fanatico", ["/usr/sbin/haproxy", "-db", "-f", os.path.join(folder, "haproxy.cfg")], port,
               [*MINE, "--tls"])
    s.order += ["--pid", str(behind.pid)]  # both are what a notification costs
    return s


def bare(payload, shared_tail=False):
    port = free_port()
    command = [os.path.join(BIN, "bare_sender"), "--port", str(port), "--bytes", str(payload)]
    return Server("bare sender", command + (["--shared-tail"] if shared_tail else []), port, MINE)


def constant(threads):
    port = free_port()
    return Server("constant server", [os.path.join(BIN, "constant_http"), "--port", str(port), "--threads",
                                      str(threads)], port, [])


def anvil_file():
    """From npm, below the build folder; None where it is not installed."""
    found = glob.glob(os.path.join(SOURCE, "build/npm/node_modules/@foundry-rs/anvil-*/bin/anvil"))
    return found[0] if found else None


def anvil(*more, mining=False):
    """None where it is not installed. Without mining it makes blocks when asked; with it, one for each transaction."""
    if not anvil_file():
        return None
    port = free_port()
    # The states it writes to disk are gigabytes in a home folder when it is killed: here they end with the bench.
    states = tempfile.TemporaryDirectory()
    s = Server("anvil", [anvil_file(), "--port", str(port), "--silent", "--cache-path", states.name,
                         *([] if mining else ["--no-mining"]), *more], port, MINE)
    s.states = states
    return s


def geth():
    """From the Go cache; None where it is not installed. Its dev mode makes a block for a transaction."""
    found = sorted(glob.glob(os.path.join(CACHE, "go", "geth-*")))
    if not found:
        return None
    port, folder = free_port(), tempfile.mkdtemp()
    s = Server("geth", [found[-1], "--dev", "--datadir", folder, "--ipcdisable", "--verbosity", "0", "--maxpeers", "0",
                        "--http", "--http.port", str(port), "--ws", "--ws.port", str(port), "--ws.api",
                        "eth,net,web3", "--http.api", "eth,net,web3", "--authrpc.port", str(free_port())], port, [])
    account = s.rpc("eth_accounts")[0]
    transaction = [{"from": account, "to": "0x" + "11" * 20, "value": "0x1", "gas": "0x5208"}]
    # Now and then it seals an empty block behind one with a transaction: that is nobody's order, and no fault either.
    s.order = ["--skip-empty", "--method", "eth_sendTransaction", "--params", json.dumps(transaction)]
    return s
