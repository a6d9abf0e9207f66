#!/usr/bin/env python3
"""Holds ws_echo, our WebSocket code as an echo server, to the Autobahn test suite: no case may fail or be answered loosely.

  run.py ECHO            cases 1 to 10 and the small ones of 12 and 13, in three shards: about a minute
  run.py ECHO --all      all 517 in parallel shards, and the table into docs/CONFORMANCE.md

Each shard has an echo server and a fuzzing client of its own. A case that did not run counts as failed, and so does one
in an unknown state: only OK, and INFORMATIONAL where the suite judges nothing, pass.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WSTEST = ROOT / "build/autobahn/bin/wstest"
SKIPPED = 77  # CTest's SKIP_RETURN_CODE
PASS = {"OK", "INFORMATIONAL"}
AGENT = "fanatico"
TITLES = {
    "1": "framing", "2": "pings and pongs", "3": "reserved bits", "4": "opcodes", "5": "fragmentation", "6": "UTF-8", "7": "closing",
    "9": "limits and performance", "10": "automatic fragmentation", "12": "compression, by payload", "13": "compression, by parameters",
}  # fmt: skip
# What a shard gets, balanced by time; how many cases all of it is, so that a case which silently did not run is seen.
PLAIN = [["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"], ["9.*"]]
PLAIN_COUNT = 301
# Of 12 (kinds of text) and 13 (parameters) each group's thousand messages of 16 bytes, and of 1,024.
SMALL = [f"{major}.{group}.{size}" for major, groups in ((12, 5), (13, 7)) for group in range(1, groups + 1) for size in (1, 4)]
QUICK, QUICK_COUNT = PLAIN + [SMALL], PLAIN_COUNT + len(SMALL)
FULL, FULL_COUNT = PLAIN + [[f"{major}.{group}.*"] for major, groups in ((12, 5), (13, 7)) for group in range(1, groups + 1)], 517


def skip_without_suite():
    if WSTEST.exists():
        return
    print("SKIPPED: the Autobahn suite is not installed. Cure: put a Python 2.7 on PATH or below ~/.pyenv/versions, then tools/setup.sh autobahn")
    sys.exit(SKIPPED)


class Shard:
    """An echo server and the client that tries it; `with` ends both."""

    def __init__(self, echo, cases, folder):
        self.cases, self.folder = cases, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.index = folder / "index.json"
        self.index.unlink(missing_ok=True)
        self.echo = subprocess.Popen([echo, "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.client = None

    def start(self):
        port = int(self.echo.stdout.readline())
        spec = {
            "outdir": str(self.folder),
            "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}],
            "cases": self.cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        path = self.folder / "spec.json"
        path.write_text(json.dumps(spec))
        self.log = (self.folder / "wstest.log").open("w")
        self.client = subprocess.Popen([WSTEST, "-m", "fuzzingclient", "-s", path], stdout=self.log, stderr=subprocess.STDOUT, cwd=self.folder)

    def results(self):
        self.client.wait()
        if self.echo.poll() is not None:
            sys.exit(f"ws_echo ended with {self.echo.returncode} during {' '.join(self.cases)}")
        if not self.index.exists():
            sys.exit(f"the suite gave no results for {' '.join(self.cases)}: see {self.folder / 'wstest.log'}")
        return json.loads(self.index.read_text())[AGENT]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in (self.client, self.echo):
            if child and child.poll() is None:
                child.terminate()
                child.wait()


def run(echo, shards, at_once):
    """Case -> result, of all shards, at most `at_once` side by side."""
    results, waiting, running = {}, list(enumerate(shards)), collections.deque()
    while waiting or running:
        while waiting and len(running) < at_once:
            number, cases = waiting.pop(0)
            shard = Shard(echo, cases, ROOT / f"build/autobahn/report-{number}")
            running.append(shard)
            shard.start()
        shard = running.popleft()
        with shard:
            results.update(shard.results())
    return results


def passes(result):
    return {result["behavior"], result["behaviorClose"]} <= PASS


def table(results):
    """Rows of group, name, and how many cases ended how."""
    groups = collections.defaultdict(collections.Counter)
    for case, result in results.items():
        groups[case.split(".")[0]][result["behavior"]] += 1
    head = ["OK", "INFORMATIONAL", "UNIMPLEMENTED", "NON-STRICT", "FAILED"]
    lines = ["| cases | what | run | " + " | ".join(h.lower() for h in head) + " |", "|---|---|" + "---:|" * (len(head) + 1)]
    for group in sorted(groups, key=int):
        count = groups[group]
        lines.append(f"| {group} | {TITLES.get(group, '')} | {sum(count.values())} | " + " | ".join(str(count[h]) for h in head) + " |")
    total = sum(groups.values(), collections.Counter())
    lines.append(f"| all | | {sum(total.values())} | " + " | ".join(str(total[h]) for h in head) + " |")
    return "\n".join(lines)


def write_table(results):
    path = ROOT / "docs/CONFORMANCE.md"
    text = path.read_text()
    mark = "<!-- autobahn: written by make test-autobahn -->\n"
    end = "<!-- autobahn: end -->"
    new, count = re.subn(re.escape(mark) + ".*?" + re.escape(end), lambda _: mark + table(results) + "\n" + end, text, flags=re.S)
    if count != 1:
        sys.exit(f"{path} has no place for the table")
    path.write_text(new)


def main():
    args = argparse.ArgumentParser(description="the Autobahn suite against ws_echo")
    args.add_argument("echo", help="the ws_echo to try")
    args.add_argument("--all", action="store_true", help="all 517 cases, and the table into docs/CONFORMANCE.md")
    args.add_argument("--at-once", type=int, default=2, help="shards side by side")
    options = args.parse_args()
    skip_without_suite()
    shards, expected = (FULL, FULL_COUNT) if options.all else (QUICK, QUICK_COUNT)
    results = run(options.echo, shards, options.at_once)
    print(table(results))
    bad = {case: result for case, result in results.items() if not passes(result)}
    for case, result in sorted(bad.items()):
        print(f"case {case}: {result['behavior']}, closing {result['behaviorClose']}")
    if len(results) != expected:
        print(f"{len(results)} cases ran, not {expected}")
    if bad or len(results) != expected:
        sys.exit(1)
    if options.all:
        write_table(results)


if __name__ == "__main__":
    main()
