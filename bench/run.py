#!/usr/bin/env python3
"""The bench: our server, a bare sender, a constant HTTP server, and anvil and geth where they are installed, in one run.

Each row runs its servers in turn, five times over, and takes medians; ratios are ours divided by the bare server's of
the same run, so a slow machine slows both. Prints tables, leaves build/bench/results.json, and exits with 1 when a
fault (a hole, a duplicate, a disorder, a lost connection, a strange message) was seen anywhere.

    bench/run.py               the whole bench, about eighteen minutes
    bench/run.py --smoke       twenty seconds that prove it works, and judge no time
    bench/run.py --only heads  rows whose name begins so
    bench/run.py --skip chain  all but these sections
    bench/run.py --document    then renews the tables and the plot in docs/
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import chain
import report
import servers

ADDRESS = "0x00000000000000000000000000000000000b0b00"
# Emits as many LOG2 (topics 1 and 2, no data) as its input says: PUSH0 CALLDATALOAD, then a loop.
CONTRACT = "0x5f355b600260015f5fa2600190038060025700"
SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PAYLOAD = 1792  # of a newHeads notification with a block number of three digits; measured again in each run


class Bench:
    def __init__(self, rounds, scale, peers):
        self.rounds, self.scale, self.peers = rounds, scale, peers
        self.rows, self.faults, self.notes, self.errors = [], 0, [], 0

    def load(self, server, *arguments):
        command = [os.path.join(servers.BIN, "ws_load"), "--port", str(server.port), "--pid", str(server.pid),
                   *server.order, *arguments]
        return self.run(server, command)

    def run(self, server, command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        lines = [json.loads(x) for x in done.stdout.splitlines() if x.startswith("{")]
        if done.returncode == 2 or not lines:
            raise RuntimeError(f"{server.name}: {' '.join(command)}: {done.stderr.strip()[-300:]}")
        return lines

    def note(self, text):
        self.notes.append(text)
        print("note:", text, flush=True)

    def failed(self, what, error, forgiven=False):
        """One row that could not be measured costs no other, but the run is no success unless it was a peer's."""
        self.errors += not forgiven
        self.note(f"{what}: {type(error).__name__}: {str(error)[:300]}")

    def add(self, row, server, phase, got):
        """got: the phase's line of each round. Keeps the medians."""
        keys = sorted({k for x in got for k, v in x.items() if isinstance(v, (int, float))})
        medians = {k: statistics.median(x[k] for x in got if k in x) for k in keys}
        medians["faults"] = max(x["faults"] for x in got)
        if server in ("fanatico", "fanatico, TLS", "HAProxy, fanatico", "bare sender", "constant server"):
            self.faults += medians["faults"]
        self.rows.append({"row": row, "server": server, "phase": phase.split(":")[0], "rounds": len(got), **medians})
        r = self.rows[-1]
        print(f"  {row:34} {server:16} {r['phase']:9} {r.get('per_s', 0):>11,.0f}/s  cpu {r.get('cpu_us', 0):7.3f} us"
              f"  last {r.get('last_ms', 0):9.3f} ms  faults {r['faults']}", flush=True)

    def compare(self, row, entrants, setup, phases, rounds=None):
        """entrants: (server, options). Every round runs each of them once."""
        got = {}
        for _ in range(rounds or self.rounds):
            for server, options in entrants:
                try:
                    lines = self.load(server, *options, *setup, *phases)
                except (RuntimeError, subprocess.TimeoutExpired) as e:
                    self.failed(f"{row}, {server.name}", e, server.name in ("anvil", "geth"))
                    continue
                for line in lines:
                    if line["phase"] in phases:
                        got.setdefault((server.name, line["phase"]), []).append(line)
        for (name, phase), lines in got.items():
            self.add(row, name, phase, lines)

    def find(self, row, server, phase):
        return next((r for r in self.rows if (r["row"], r["server"], r["phase"]) == (row, server, phase)), None)


def n(bench, count):
    return max(2, int(count * bench.scale))


def heads(b, sizes, subscriptions):
    """newHeads: lockstep, flood, and 20 a second where the machine can."""
    ours, plain, shared = servers.fanatico(), servers.bare(PAYLOAD), servers.bare(PAYLOAD, True)
    peers = [p for p in (servers.anvil(), servers.geth()) if p] if b.peers else []
    try:
        for count in sizes:
            for each in subscriptions:
                if count * each > 1_000_000:
                    continue
                most = 200_000 if each == 1 else 400_000  # notifications of a phase
                events = max(2, min(n(b, 60), most // (count * each)))
                flood = max(2, min(n(b, 300), most // (count * each)))
                phases = [f"lockstep:{events}", f"flood:{flood}"]
                if each == 1 and count <= 1000:
                    phases.append(f"paced:{n(b, 30)}@20")
                entrants = [(ours, [])] + ([(plain, [])] if each < 100 or count < 10000 else [])
                entrants += [(shared, [])] if each > 1 else []
                # Two servers of one name would share a row; the gathering one has its own.
                shared.name = "bare, shared tail"
                b.compare(f"newHeads {count}x{each}", entrants, [f"connect:{count}", f"subscribe:{each}"], phases,
                          min(b.rounds, 3) if count * each >= 1_000_000 else None)
        for peer in peers:
            for count, each in ((100, 1), (1000, 1), (1000, 100)):
                if count not in sizes:
                    continue
                events = 20 if each == 1 else 2
                # A geth that is behind puts several orders into one block, so events by the clock cannot be told apart.
                paced = ["paced:20@20"] if each == 1 and peer.name != "geth" else []
                phases = [f"lockstep:{events}", *paced]
                b.compare(f"newHeads {count}x{each}", [(peer, [])], [f"connect:{count}", f"subscribe:{each}"], phases)
    finally:
        for s in [ours, plain, shared, *peers]:
            s.stop()


def logs(b, connections, each, name="logs"):
    """Ten matching filters of all; each event is a block with 100 logs."""
    ours = servers.fanatico()
    try:
        ours.rpc("hardhat_setCode", ADDRESS, CONTRACT)
        transaction = [{"from": SENDER, "to": ADDRESS, "gas": "0x4c4b40", "data": "0x" + f"{100:064x}"}]
        ours.order = ["--method", "eth_sendTransaction", "--params", json.dumps(transaction)]
        few, many = (100, 1), (connections, each)
        rounds = {few: [], many: []}
        for _ in range(b.rounds):
            for shape in (few, many):
                total = shape[0] * shape[1]
                phase = f"lockstep:{n(b, 60)}"
                lines = b.load(ours, "--kind", "logs", "--address", ADDRESS, "--filters", str(total), "--matching",
                               "10", "--logs", "100", f"connect:{shape[0]}", f"subscribe:{shape[1]}", phase)
                rounds[shape] += [x for x in lines if x["phase"] == phase]
        for shape, got in rounds.items():
            b.add(f"{name} 10 of {shape[0] * shape[1]}", "fanatico", "lockstep", got)
    finally:
        ours.stop()


def deflate(b, count):
    """The same subscribers without compression and with it; their clients inflate every message."""
    ours = servers.fanatico()
    try:
        phases = [f"lockstep:{n(b, 60)}", f"flood:{n(b, 200)}"]
        shapes = {f"newHeads {count}x1, plain": [], f"newHeads {count}x1, deflate": ["--deflate"]}
        got = {}
        for _ in range(b.rounds):
            for row, options in shapes.items():
                for line in b.load(ours, *options, f"connect:{count}", "subscribe:1", *phases):
                    if line["phase"] in phases:
                        got.setdefault((row, line["phase"]), []).append(line)
        for (row, phase), lines in got.items():
            b.add(row, "fanatico", phase, lines)
            print(f"  {'':34} {b.rows[-1]['wire_bytes']:.0f} bytes on the wire for {b.rows[-1]['bytes']:.0f}", flush=True)
    finally:
        ours.stop()


def tls(b, count):
    """The same subscribers over TLS: at the node, and at HAProxy in front of it; and what an idle one of them keeps."""
    plain, ours = servers.fanatico(), servers.fanatico_tls()
    behind = servers.fanatico("--trusted-proxies", "127.0.0.1", "--proxy-protocol", "--dev-methods", "all")
    proxy = servers.haproxy(behind)
    try:
        entrants = [(s, []) for s in (plain, ours, proxy) if s]
        b.compare(f"newHeads {count}x1, TLS", entrants, [f"connect:{count}", "subscribe:1"],
                  [f"lockstep:{n(b, 60)}", f"flood:{n(b, 200)}"])
        if not proxy:
            b.note("HAProxy is not installed: TLS without it")
        for server in (ours, proxy):
            if not server:
                continue
            lines = b.load(server, f"connect:{count}", "subscribe:1", f"connect:{4 * count}", "subscribe:1", "lockstep:2")
            rss = [x["rss"] for x in lines if "rss" in x]
            b.add(f"memory {4 * count} clients, TLS", server.name, "memory",
                  [{"bytes_per_client": (rss[3] - rss[1]) / (3 * count), "rss": rss[3], "faults": lines[-1]["faults"]}])
            print(f"  {b.rows[-1]['bytes_per_client']:.0f} bytes per client with one subscription", flush=True)
    finally:
        for s in (plain, ours, proxy, behind):
            if s:
                s.stop()
    if b.scale == 1:
        stalled(b, count, count, servers.fanatico_tls, 1)
        print(f"  {b.rows[-1]['rss_growth'] / 2**20:.1f} MiB for {count} stalled readers", flush=True)


def pending(b, count):
    ours, plain = servers.fanatico("--no-mining"), servers.bare(201)
    try:
        transaction = [{"from": SENDER, "to": ADDRESS, "gas": "0x5208", "value": "0x1"}]
        ours.order = ["--method", "eth_sendTransaction", "--params", json.dumps(transaction)]
        phases = [f"lockstep:{n(b, 60)}", f"flood:{n(b, 200)}"]
        got = {}
        for _ in range(b.rounds):
            for server, kind in ((ours, "pending"), (plain, "heads")):
                lines = b.load(server, "--kind", kind, f"connect:{count}", "subscribe:1", *phases)
                for line in lines:
                    if line["phase"] in phases:
                        got.setdefault((server.name, line["phase"]), []).append(line)
            ours.rpc("evm_mine")
        for (name, phase), lines in got.items():
            b.add(f"pending {count}x1", name, phase, lines)
    finally:
        ours.stop()
        plain.stop()


def stalled(b, live, still, start=servers.fanatico, rounds=None):
    """Stalled readers with full sockets, beside live ones: what they cost in time, and in memory."""
    for count in (0, still):
        row, got = f"{live} live, {count} stalled", []
        for _ in range(rounds or b.rounds):
            ours = start()  # each time a new one: memory is part of the question
            try:
                before = [f"stall:{count}", f"connect:{count}", "subscribe:1"] if count else []
                lines = b.load(ours, *before, f"connect:{live + count}", "subscribe:1", "wait:500", "fill:400",
                               f"paced:{n(b, 60)}@20")
                idle = next(x for x in lines if x["phase"].startswith("wait"))
                busy = lines[-2]
                busy["rss_growth"] = busy["rss"] - idle["rss"]
                busy["kernel_growth"] = busy["kernel_tcp"] - idle["kernel_tcp"]
                got.append(busy)
            finally:
                ours.stop()
        b.add(row, ours.name, "paced", got)


def http(b, sizes):
    ours, plain = servers.fanatico(), servers.constant(os.cpu_count())
    try:
        for count in sizes:
            got = {ours: [], plain: []}
            for _ in range(b.rounds):
                for server in got:
                    got[server] += b.run(server, [os.path.join(servers.BIN, "http_load"), "--port", str(server.port),
                                                  "--pid", str(server.pid), "--connections", str(count),
                                                  "--milliseconds", str(max(200, int(1500 * b.scale)))])
            for server, lines in got.items():
                b.add(f"eth_blockNumber {count} connections", server.name, "http", lines)
    finally:
        ours.stop()
        plain.stop()


def memory(b, few, many, each):
    """Resident bytes: the slope from few clients to many, then from one subscription each to `each`."""
    got = []
    for _ in range(min(3, b.rounds)):
        ours = servers.fanatico()
        try:
            lines = b.load(ours, f"connect:{few}", "subscribe:1", f"connect:{many}", "subscribe:1",
                           f"subscribe:{each}", "lockstep:2")
            rss = [x["rss"] for x in lines if "rss" in x]
            got.append({"bytes_per_client": (rss[3] - rss[1]) / (many - few),
                        "bytes_per_subscription": (rss[4] - rss[3]) / (many * (each - 1)),
                        "subscriptions": many * each, "rss": rss[4], "faults": lines[-1]["faults"]})
        finally:
            ours.stop()
    b.add(f"memory {many} clients x {each}", "fanatico", "memory", got)
    r = b.rows[-1]
    print(f"  {r['bytes_per_client']:.0f} bytes per client with one subscription, {r['bytes_per_subscription']:.1f} per "
          f"further one; {r['subscriptions']:,.0f} subscriptions in {r['rss'] / 2**20:.0f} MiB", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--smoke", action="store_true")
    p.add_argument("--document", action="store_true")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="")
    p.add_argument("--skip", default="", help="sections between commas")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that every server is ended
    begin = time.time()
    if a.smoke:
        b = Bench(1, 0.1, False)
        servers.SETTLE = False
        plan = [("heads", lambda: heads(b, [50], [1, 10])), ("logs", lambda: logs(b, 20, 50)),
                ("pending", lambda: pending(b, 50)), ("deflate", lambda: deflate(b, 50)), ("tls", lambda: tls(b, 50)), ("http", lambda: http(b, [8])),
                ("transactions", lambda: chain.transactions(b, 40, [2])),
                ("chain", lambda: chain.calls_and_logs(b, 40)), ("import", lambda: chain.imports(b, 2, 5))]
    else:
        b = Bench(a.rounds, 1, True)
        plan = [("heads", lambda: heads(b, [100, 1000, 10000], [1, 10, 100])), ("logs", lambda: logs(b, 1000, 100)),
                ("pending", lambda: pending(b, 1000)), ("deflate", lambda: deflate(b, 1000)), ("tls", lambda: tls(b, 1000)),
                ("stalled", lambda: stalled(b, 1000, 1000)),
                ("http", lambda: http(b, [1, 64])), ("memory", lambda: memory(b, 1000, 8000, 100)),
                ("million", lambda: memory(b, 1000, 10000, 100)),
                ("transactions", lambda: chain.transactions(b, 2000)),
                ("chain", lambda: chain.calls_and_logs(b, 100000)), ("import", lambda: chain.imports(b, 300, 330))]
    out = os.path.join(servers.SOURCE, "build", "bench")
    os.makedirs(out, exist_ok=True)
    result = {}
    for name, run in plan:
        if not name.startswith(a.only) or name in a.skip.split(","):
            continue
        print(f"{name}:", flush=True)
        began = time.time()
        try:
            run()
        except Exception as e:  # whatever it was: the other sections have figures too
            b.failed(name, e)
        print(f"  ({time.time() - began:.0f} s)", flush=True)
        result = {"machine": report.machine(), "seconds": round(time.time() - begin), "rows": b.rows, "notes": b.notes}
        with open(os.path.join(out, "smoke.json" if a.smoke else "results.json"), "w") as f:
            json.dump(result, f, indent=1)  # after each: an end before the end loses nothing
    if not result:
        p.error(f"no section is named {a.only}")
    if not a.smoke:
        print(report.tables(result))
    if a.document:
        report.document(result, servers.SOURCE)
    print(f"bench: {len(b.rows)} figures in {result['seconds']} s, {b.faults:.0f} faults, {b.errors} errors")
    return 1 if b.faults or b.errors else 0


if __name__ == "__main__":
    sys.exit(main())
