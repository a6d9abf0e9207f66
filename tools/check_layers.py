#!/usr/bin/env python3
"""Holds every #include below src/ and cmd/ against src/layers.txt, and every text file against what must not be in the tree.

A folder may include itself, base/, include/fanatico/ and what its row names, literally; only store/ includes lmdb.h and
only stream/ nats.h. Exit code 1 with one line for each break."""
import os
import re
import subprocess
import sys

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
rows = {}
for line in open(os.path.join(root, "src/layers.txt"), encoding="utf-8"):
    line = line.split("#")[0].strip()
    if line:
        name, needs = line.split(":")
        rows[name] = set(needs.split())

# base/test.h is the test framework; a test may also use what stands behind the calls against the layers.
TEST_MAY = {
    "hub": {"net", "local"},
    "rpc": {"net", "chain", "eth"},
    "api": {"conn", "net", "wire", "local"},
}
ALONE = {"lmdb.h": "store", "nats.h": "stream"}
broken = []
includes = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)

for folder in sorted(os.listdir(os.path.join(root, "src"))):
    where = os.path.join(root, "src", folder)
    if not os.path.isdir(where):
        continue
    if folder not in rows:
        broken.append(f"src/{folder}: has no row in src/layers.txt")
        continue
    for name in sorted(os.listdir(where)):
        if not name.endswith((".c", ".h", ".def")):
            continue
        aside = name.endswith(("_test.c", "_fuzz.c")) or name.startswith("test_")
        allowed = rows[folder] | {folder, "base", "fanatico"} | (TEST_MAY.get(folder, set()) if aside else set())
        text = open(os.path.join(where, name), encoding="utf-8").read()
        for target in includes.findall(text):
            if target in ALONE and ALONE[target] != folder:
                broken.append(f"src/{folder}/{name}: includes {target}, which only src/{ALONE[target]} may")
            first = target.split("/")[0]
            if "/" in target and first in rows | {"fanatico": 0} and first not in allowed:
                broken.append(f"src/{folder}/{name}: includes {target}, but src/layers.txt gives {folder} only: {' '.join(sorted(rows[folder]))}")
        if name.endswith(".h"):
            guard = f"{folder}_{name}".upper().replace(".", "_").replace("-", "_")
            if f"#ifndef {guard}\n#define {guard}\n" not in text:
                broken.append(f"src/{folder}/{name}: the guard is not {guard}")
            if not text.lstrip().startswith("/*"):
                broken.append(f"src/{folder}/{name}: does not open with what it is for")

try:
    tracked = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
except (OSError, subprocess.CalledProcessError):
    tracked = []
MARKS_SOUGHT_IN = {"tools/check_layers.py", "test/docs/check_docs.py"}  # they name what they look for
marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
for name in tracked:
    if name.endswith((".c", ".h", ".rs", ".py", ".js", ".mjs", ".sh")) and name not in MARKS_SOUGHT_IN:
        path = os.path.join(root, name)
        if os.path.exists(path) and marks.search(open(path, encoding="utf-8", errors="replace").read()):
            broken.append(f"{name}: holds a mark of unfinished work")

for line in broken:
    print(line)
print(f"{len(rows)} rows held, {len(broken)} broken")
sys.exit(1 if broken else 0)
