"""The Debian packages: made, installed into a root of their own, started as their unit says, asked, removed, purged. The machine's own
packages stay as they are; what ours depend on is what the machine has."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(os.environ.get("FANATICO_SOURCE") or pathlib.Path(__file__).resolve().parents[2])
DEBS = ROOT / "build/deb"


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(str(c) for c in command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def deb(name):
    return next(DEBS.glob(f"{name}_*.deb"))


def field(name, what):
    return run("dpkg-deb", "-f", deb(name), what).strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run(ROOT / "packaging/deb.sh", cwd=ROOT)
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name) / "root"
        for part in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"):
            (cls.root / part).mkdir(parents=True)
        (cls.root / "var/lib/dpkg/status").touch()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def dpkg(self, *words):
        as_root = [] if os.geteuid() == 0 else ["fakeroot"]
        return run(*as_root, "dpkg", f"--root={self.root}", "--force-depends,script-chrootless", f"--log={self.root}/dpkg.log", *words)

    def test_1_fields_and_dependencies(self):
        version = re.search(r"project\(fanatico VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        for name in ("fanatico", "libfanatico0", "libfanatico-dev"):
            self.assertEqual(field(name, "Version"), f"{version}-1")
            self.assertGreater(len(field(name, "Description").split("\n")), 1)
            for line in run("dpkg-deb", "-c", deb(name)).split("\n")[:-1]:
                self.assertRegex(line, r"^\S+ root/root ")
            for one in filter(None, field(name, "Depends").split(", ")):
                package, relation, wanted = re.match(r"(\S+)(?: \((\S+) (\S+)\))?", one).groups()
                if package.startswith("libfanatico"):
                    continue
                have = run("dpkg-query", "-W", "-f", "${Version}", package)
                if relation:
                    run("dpkg", "--compare-versions", have, {">=": "ge", "=": "eq"}[relation], wanted)
        self.assertIn("libssl3", field("fanatico", "Depends"))
        self.assertIn("liblmdb0", field("fanatico", "Depends"))

    def test_2_installed_it_starts_as_its_unit_says_and_answers(self):
        self.dpkg("--install", deb("fanatico"), deb("libfanatico0"), deb("libfanatico-dev"))
        root = self.root
        self.assertEqual(run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Status}", "fanatico"), "install ok installed")
        self.assertIn("/etc/fanatico/fanatico.toml", run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Conffiles}", "fanatico"))
        run("sh", "-c", 'zcat "$0" | mandoc -Tlint -Werror', root / "usr/share/man/man1/fanatico.1.gz")
        run("bash", "-n", root / "usr/share/bash-completion/completions/fanatico")
        unit = (root / "lib/systemd/system/fanatico.service").read_text()
        self.assertIn("ConditionPathExists=/etc/fanatico/genesis.json", unit)
        shutil.copy(root / "usr/share/doc/fanatico/examples/genesis.json", root / "etc/fanatico/genesis.json")
        (root / "var/lib/fanatico").mkdir(parents=True)

        def command(key):
            words = re.search(rf"^{key}=(.*)$", unit, re.M).group(1).split()
            return [str(root / w.lstrip("/")) if w.startswith("/") else w for w in words]

        run(*command("ExecStartPre"))
        run(*command("ExecStartPre"))  # as a second start does
        http, ws, metrics = free_port(), free_port(), free_port()
        hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        hears.bind(str(root / "notify"))
        hears.settimeout(20)
        node = subprocess.Popen([*command("ExecStart"), "--http-port", str(http), "--ws-port", str(ws), "--metrics-port", str(metrics)],
                                env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(root / "notify")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.assertEqual(hears.recv(1000).decode(), "READY=1\nSTATUS=serving")

            def rpc(method, *params):
                body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
                with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{http}", body, {"content-type": "application/json"}), timeout=10) as reply:
                    return json.load(reply)["result"]

            self.assertEqual(int(rpc("eth_chainId"), 16), 20261126)
            self.assertTrue(rpc("web3_clientVersion").startswith("fanatico/v"))
            end = time.monotonic() + 20
            while rpc("eth_blockNumber") == "0x0":
                self.assertLess(time.monotonic(), end)
                time.sleep(0.1)
            for path, says in (("livez", b"ok\n"), ("readyz", b"ready\n"), ("metrics", b"fanatico_chain_head_number")):
                with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/{path}", timeout=10) as reply:
                    self.assertIn(says, reply.read())
        finally:
            node.send_signal(signal.SIGTERM)
            out = node.communicate(timeout=30)[0]
        self.assertEqual(node.returncode, 0, out)
        self.assertRegex(out, r" info  server  ready .*\n(.*\n)*.* warn  server  ending ")
        hears.close()

    def test_3_a_program_is_built_against_the_library_as_installed(self):
        root = self.root
        config = {**os.environ, "PKG_CONFIG_PATH": str(next(root.glob("usr/lib/*/pkgconfig")))}
        flags = run("pkg-config", f"--define-variable=prefix={root}/usr", "--cflags", "--libs", "fanatico", env=config).split()
        program = root / "embed"
        run("cc", ROOT / "examples/embed_chain.c", "-o", program, *flags, "-lpthread")
        libraries = next(root.glob("usr/lib/*/libfanatico.so.0")).parent
        self.assertIn(str(libraries), run("ldd", program, env={**os.environ, "LD_LIBRARY_PATH": str(libraries)}))

    def test_4_removed_the_configuration_stays_and_purged_nothing_does(self):
        self.dpkg("--remove", "libfanatico-dev", "libfanatico0", "fanatico")
        self.assertFalse((self.root / "usr/bin/fanatico").exists())
        self.assertTrue((self.root / "etc/fanatico/fanatico.toml").exists())
        (self.root / "etc/fanatico/genesis.json").unlink()
        self.dpkg("--purge", "libfanatico0", "fanatico")
        left = [p for p in self.root.rglob("*") if "fanatico" in p.name and not str(p.relative_to(self.root)).startswith("var/lib/dpkg")]
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
