#!/usr/bin/env python3
"""Holds the documents against the tree. Exit code 1 with one line for each break; --write makes the generated tables anew.

  links      [words](path#anchor) in every *.md leads to a file, and the anchor to a heading in it
  paths      `folder/file.c`, and `file.c: words`, name a file that is there, and words that stand in it
  functions  `name()` is defined in src/, cmd/ or test/; in a heading of docs/TOUR.md in the very file the heading links to
  structs    `struct name`, and names_of_four_words_and_more, are in the sources
  tables     docs/OPTIONS.md has every row of cmd/options.def, docs/RPC.md every row of the method tables in src/api/, with what docs/methods.txt tells of it,
             docs/OPERATING.md every family of every metrics.def
  seed       docs/SEED.md has every row of the document the project began from, and each names a test that is registered under that name, or a row of the bench
  traces     docs/DEBUGGING.md explains every TRACE in the sources
  folders    every folder of src/ has a README.md of at most 16 lines that are not blank
  hygiene    no path of a home or scratch folder, no unfinished marks
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = {".git", "build", "node_modules", "target", "artifacts", "cache"}
README_LINES_MAX = 16
broken = []
metric_names = set()


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def walk(*suffixes):
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in SKIP)
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def wrong(where, what):
    broken.append(f"{where}: {what}")


# ---- generated tables ----

def strings(text):
    return [None if s == "NULL" else s[1:-1].replace('\\"', '"') for s in re.findall(r'NULL|"(?:[^"\\]|\\.)*"', text)]


def options_table():
    out, group = [], None
    for line in read("cmd/options.def").split("\n"):
        m = re.match(r"OPTION\((\w+),\s*(\w+),\s*(.*)\)\s*$", line)
        if not m:
            continue
        flag, env, value, default, commands, row_group, text = strings(m.group(3))
        if row_group != group:
            group = row_group
            if out:
                out.append("")
            out += [f"**{group}**", "", "| flag | default | what it does | variable |", "|---|---|---|---|"]
        shown = "" if default in (None, "") else f"`{default}`"
        if default and default.startswith("0x") and set(default[2:]) == {"0"}:
            shown = "address 0"
        variable = env or "FANATICO_" + flag.upper().replace("-", "_")
        # dev takes nearly all: said is what else takes it, or that dev does not
        words = [word for letter, word in (("N", "node"), ("G", "genesis"), ("I", "init"), ("C", "db check")) if letter in commands]
        both = f" (also `{'`, `'.join(words)}`)" if words and row_group == "Chain" and "D" in commands else ""
        if words and "D" not in commands and commands != "*":
            both = f" (`{'`, `'.join(words)}` alone)"
        text = text.replace("*", "\\*")
        out.append(f"| `--{flag}{' ' + value if value else ''}` | {shown} | {text}{both} | `{variable}` |")
    if len(out) < 10:
        wrong("cmd/options.def", "no rows could be read")
    return out


def python_options():
    """The same rows for python/fanatico/options.py."""
    out = []
    for line in read("cmd/options.def").split("\n"):
        m = re.match(r"OPTION\((\w+),\s*(\w+),\s*(.*)\)\s*$", line)
        if m:
            flag, env, value, default, commands, group, text = strings(m.group(3))
            out.append(" | ".join([flag, env or "FANATICO_" + flag.upper().replace("-", "_"), m.group(2), value or "", default or "", commands, group, text]))
    return out


WHERE = {"RPC_INLINE": "worker", "RPC_POOL": "call pool", "RPC_WRITER": "writer", "RPC_BRIEF": "worker, or call pool"}
WHO = {"0": "everyone", "RPC_GATHERS": "everyone", "RPC_DEVELOPMENT": "`--dev-methods`", "RPC_NOTIFIES": "WebSocket, IPC"}
TOPICS = {
    "eth_block": "Blocks", "eth_tx": "Transactions", "eth_state": "State", "eth_call": "Calls", "eth_estimate": "Estimates", "eth_fee": "Fees",
    "eth_send": "Sending and signing transactions", "eth_account": "Accounts", "eth_config": "Forks", "eth_capabilities": "What is kept", "eth_logs": "Logs", "eth_filter": "Polling filters",
    "eth_subscribe": "Subscriptions", "eth_chain": "Chain and net", "web3": "web3 and rpc", "txpool": "The pool", "debug_raw": "Raw bytes", "debug_state": "What a state holds", "parity": "trace_", "otterscan": "Otterscan", "otterscan_pages": "Otterscan's pages",
    "dev_mine": "Mining, snapshots, reorgs", "dev_time": "Time", "dev_state": "Editing state", "dev_info": "About the node", "dev_token": "Tokens", "dev_whole": "The whole chain",
}


def signatures():
    """docs/methods.txt: what each method takes and gives, by name; `*_name` for whatever prefix."""
    out = {}
    for line in read("docs/methods.txt").split("\n"):
        if not line or line.startswith("#"):
            continue
        m = re.match(r"(\*?\w+)\((.*)\) → (.+)$", line)
        if not m:
            wrong("docs/methods.txt", f"is not name(parameters) → result: {line}")
        elif m.group(1) in out:
            wrong("docs/methods.txt", f"has {m.group(1)} twice")
        else:
            out[m.group(1)] = (m.group(2), m.group(3))
    return out


def method_tables():
    told, used = signatures(), set()

    def row_of(name, start, flags):
        key = name if name in told else re.sub(r"^[a-z]+_", "*_", name)
        used.add(key)
        takes, gives = told.get(key, ("", ""))
        if key not in told:
            print(f"note: docs/methods.txt has no line for {name}: what does it take and give?")
        return f"| `{name}` | {takes} | {gives} | {WHERE[start]} | {WHO.get(flags, flags)} |"

    counts = re.findall(r"X\((\w+), (\d+)\)", read("src/api/tables.h"))
    texts = {f: read(f) for f in walk(".c") if f.startswith("src/api/")}
    out = []
    for table, count in counts:
        rows = []
        for text in texts.values():
            m = re.search(r"rpc_method api_%s_methods\[\] = \{(.*?)\n\};" % table, text, re.S)
            if not m:
                continue
            row = re.search(r"#define ROW\(name, run\)(.*?)\n *\}\n", text, re.S)
            own = row.group(1) if row else ""
            for found in re.finditer(r'\{"(\w+)", (RPC_\w+), (\w+),|ROW\("(\w+)"|TWINS\("(\w+)"', m.group(1)):
                name, start, flags, rowed, twin = found.groups()
                if name:
                    rows.append((name, start, flags))
                start = re.search(r"RPC_(?:INLINE|POOL|WRITER)", own)
                start = start.group(0) if start else "RPC_INLINE"
                flags = "RPC_DEVELOPMENT" if "RPC_DEVELOPMENT" in own else "0"
                if rowed:
                    rows.append((rowed, start, flags))
                if twin:
                    rows += [("anvil_" + twin, start, flags), ("hardhat_" + twin, start, flags)]
        if len(rows) != int(count):
            wrong("src/api/tables.h", f"api_{table}_methods has {count} rows, {len(rows)} could be read")
        out += [f"### {TOPICS.get(table, table)}", "", "| method | takes | gives | starts on | who may |", "|---|---|---|---|---|"]
        out += [row_of(*row) for row in sorted(rows)]
        out.append("")
    for name in told:
        if name not in used:
            wrong("docs/methods.txt", f"tells of {name}, which no table has")
    return out[:-1]


def metrics_table():
    """The families of every metrics.def, and those that the method table gives labels to (src/app/metrics.c)."""
    kinds = {"COUNTER": "counter", "GAUGE": "gauge", "HISTOGRAM": "histogram"}
    out = ["| metric | kind | labels | what it counts |", "|---|---|---|---|"]

    def row(name, kind, labels, text):
        shown = name if name.startswith("process_") else "fanatico_" + name
        metric_names.add(shown)
        out.append(f"| `{shown}` | {kind} | {', '.join(labels)} | {text} |")

    def labels_of(series):
        found = {}
        for text in series:
            for key, value in re.findall(r'(\w+)=\\"([^\\]*)\\"', text):
                found.setdefault(key, []).append(value)
        return [f"{key}: {', '.join(f'`{v}`' for v in dict.fromkeys(values))}" if values[0] else key for key, values in found.items()]

    for path in sorted(f for f in walk("metrics.def") if f.startswith("src/")):
        text = re.sub(r'" (FANATICO_VERSION|METRIC_COMPILER) "', "", read(path))
        families = re.split(r"^FAMILY\(", text, flags=re.M)[1:]
        for family in families:
            m = re.match(r'(\w+), (\w+), "((?:[^"\\]|\\.)*)"\)', family)
            if not m:
                wrong(path, f"a family cannot be read: {family[:60]}")
                continue
            series = re.findall(r'^\w+\(.*?, "((?:[^"\\]|\\.)*)"\)$', family[m.end():], re.M)
            if not series:
                wrong(path, f"{m.group(2)} has no series")
            row(m.group(2), kinds[m.group(1)], labels_of(series), m.group(3).replace('\\"', '"'))
    own = re.findall(r'\{\{\.name = "(\w+)",\s*\.help = "([^"]*)"\}', read("src/app/metrics.c"))
    if len(own) != 3:
        wrong("src/app/metrics.c", "its families by method cannot be read")
    for name, text in own:
        row(name, "counter", ["method", "code"] if "errors" in name else ["method"], text)
    return out


def anvil_flags():
    rows = re.findall(r'^(PASSED|REFUSED)\("([\w-]+)", (?:(?:true|false), )?"((?:[^"\\]|\\.)*)"\)$', read("cmd/option_anvil.def"), re.M)
    dashes = lambda name: ("-" if len(name) == 1 or set(name) == {"v"} else "--") + name
    out = ["| anvil's flag | here | because |", "|---|---|---|"]
    return out + [f"| `{dashes(name)}` | {'is taken and changes nothing' if what == 'PASSED' else 'is refused'} | {why} |" for what, name, why in rows]


def hold_table(path, name, rows, write):
    text = read(path)
    begin, end = f"<!-- {name}: check_docs.py --write makes this table -->", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        wrong(path, f"has no place for the table of {name}")
        return
    head, rest = text.split(begin, 1)
    old, tail = rest.split(end, 1)
    new = "\n" + "\n".join(rows) + "\n"
    if old == new:
        return
    if write:
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as f:
            f.write(head + begin + new + end + tail)
        return
    for row in rows:
        if row and row not in old:
            wrong(path, f"lacks the row of {name}: {row}")
    for row in old.strip().split("\n"):
        if row and row not in rows:
            wrong(path, f"has a row of {name} that the tree has not: {row}")


# ---- prose ----

def prose(text):
    """Without fenced blocks, which show what is typed and printed."""
    return re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)


def anchors(text):
    found = set()
    for title in re.findall(r"^#+ (.*)$", prose(text), re.M):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        found.add(re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-"))
    return found


def check_links(md, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(md), path)) if path else md
        if not os.path.exists(os.path.join(ROOT, full)):
            wrong(md, f"links to {target}, which is not there")
        elif anchor and full.endswith(".md") and anchor not in anchors(read(full)):
            wrong(md, f"links to {target}, but {full} has no such heading")


FILE = re.compile(r"^[\w.\-/]*[\w\-]\.(?:c|h|rs|def|txt|py|sh|cmake|js|cjs|json|toml|md)$")
NAMES_ONLY = {"/etc/fanatico/genesis.json", "/etc/fanatico/fanatico.toml", "genesis.json", "package.json", "first.cjs", "node.js", "fanatico.h", "lmdb.h", "nats.h", "host.c", "x_test.c", "x_fuzz.c"}


def find_file(md, path, files):
    """A path from the root, from the document's folder, or from src/; a bare name may stand anywhere below its folder's room."""
    for base in ("", os.path.dirname(md), "src"):
        candidate = os.path.normpath(os.path.join(base, path))
        if os.path.exists(os.path.join(ROOT, candidate)):
            return candidate
    if "/" not in path:
        for f in files:
            if os.path.basename(f) == path:
                return f
    return None


def check_paths(md, text, files):
    for code in re.findall(r"`([^`\n]+)`", text):
        path, colon, words = code.partition(": ")
        path = path.split(":")[0] if re.search(r":\d+$", path) else path
        if not FILE.match(path) or path in NAMES_ONLY:
            continue
        found = find_file(md, path, files)
        if not found:
            wrong(md, f"names `{path}`, which is not there")
        elif colon and words not in read(found):
            wrong(md, f"says that {found} holds \"{words}\"; it does not")


class Sources:
    """What the C, Rust and JavaScript sources define, read once."""

    def __init__(self, texts):
        text = "\n".join(texts)
        self.words = set(re.findall(r"\w+", text))
        self.structs = set(re.findall(r"\bstruct (\w+)", text))
        self.functions = set()
        for line in text.split("\n"):
            if re.match(r"[a-z_#]", line) and not re.match(r"[^(]*;|return\b", line):
                self.functions.update(re.findall(r"(\w+)\(", line))


def check_symbols(md, text, sources, tour):
    for name in sorted(set(re.findall(r"`(\w+)\(\)`", text))):
        if name not in sources.functions:
            wrong(md, f"names `{name}()`, which is defined nowhere")
    for name in sorted(set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", text))):  # the long names are those of tests
        if name not in sources.words and name not in metric_names:
            wrong(md, f"names `{name}`, which is nowhere")
    for name in sorted(set(re.findall(r"`(?:const )?struct (\w+)", text))):
        if name not in sources.structs:
            wrong(md, f"names `struct {name}`, which is nowhere")
    if not tour:
        return
    steps = 0
    for title in re.findall(r"^### (.*)$", text, re.M):
        link = re.search(r"\]\(([^)]+)\)", title)
        for name in re.findall(r"`(\w+)\(\)`", title):
            steps += 1
            if not link:
                wrong(md, f"the step `{name}()` links to no file")
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(md), link.group(1)))
            if os.path.exists(os.path.join(ROOT, path)) and not re.search(r"^[a-z_].*\b%s\(" % name, read(path), re.M):
                wrong(md, f"`{name}()` is not defined in {path}")
    if steps < 20:
        wrong(md, f"follows a log through {steps} functions only")


def check_hygiene(md, text):
    for mark in re.findall(r"(?:/home/|/root\b|/tmp/)\S*|\b(?:TODO|FIXME)\b", text):
        wrong(md, f"holds {mark}")


def check_folders():
    for folder in sorted(os.listdir(os.path.join(ROOT, "src"))):
        if not os.path.isdir(os.path.join(ROOT, "src", folder)):
            continue
        path = f"src/{folder}/README.md"
        if not os.path.exists(os.path.join(ROOT, path)):
            wrong(f"src/{folder}", "has no README.md")
        elif sum(1 for line in read(path).split("\n") if line.strip()) > README_LINES_MAX:
            wrong(path, f"is longer than {README_LINES_MAX} lines")


# ---- the seed ----

def seed_document():
    """The document itself, which lies beside the clone; None where it does not."""
    folder = os.path.join(os.environ.get("FANATICO_SHARED") or os.path.join(ROOT, "..", "shared"), "seed")
    texts = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".txt")] if os.path.isdir(folder) else []
    return open(texts[0], encoding="utf-8").read() if texts else None


def seed_rows(text):
    """What that document promises: the rows of its tables, its subscription types, commands, hooks, examples, and the words of its picture."""
    rows, section = [], ""
    for line in text.split("\n"):
        if line.startswith("## "):
            section = line[3:].split(" ")[0]
        cells = [c.strip().replace("`", "") for c in line.strip("|").split("|")] if line.startswith("|") else []
        header = not cells or set(cells[0]) <= set("-") or cells[0] in ("File", "Parameter", "Code", "Metric")
        if not header:
            rows.append(cells[0] if section == "Files" else f"{cells[0]} {cells[1]}")
        elif section == "Subscription" and line.startswith("### ") or line.startswith("#### "):
            rows.append(line.lstrip("# "))
        elif re.match(r"(python3|npx|pip) |WebSocketEventHooks\.|from websocket_server", line):
            rows.append(line)
        elif section == "Architecture":
            rows += re.findall(r"Flask HTTP|Port \d+|eth_subscribe|shared state|eth_\*|net_\*|web3_\*|on_\w+\(\)", line)
            rows += ["eth_unsubscribe"] if "eth_unsubscr" in line else []
        elif section == "Dependencies" and re.match(r"[a-z]+(>=[\d.]+)?$", line):
            rows.append(line)
    return rows


def is_test(path, words, registered):
    """Is there a test (or a row of the bench) whose name begins with these words, in a file that is run?"""
    text = read(path)
    if path == "docs/PERFORMANCE.md":
        return f"\n| {words} |" in text
    if path.endswith("_test.c"):
        return f"TEST({words}," in text
    if path.endswith(".py"):
        return path in registered and f"def {words}(" in text
    return path in registered and any(quote + words in text for quote in "'\"`")


def check_seed():
    document, registered, proved = seed_document(), read("test/tests.cmake"), set()
    for line in read("docs/SEED.md").split("\n"):
        cells = line.strip("|").split(" | ")
        if not line.startswith("| ") or len(cells) != 2 or cells[0].strip() == "seed":
            continue
        row = cells[0].strip().replace("`", "")
        proved.add(row)
        proofs = re.findall(r"`([\w./]+): ([^`]+)`", cells[1])
        for path, words in proofs:
            if not os.path.exists(os.path.join(ROOT, path)) or not is_test(path, words, registered):
                wrong("docs/SEED.md", f"proves \"{row}\" with {path}: {words}, which is no test that is run")
        if not proofs:
            wrong("docs/SEED.md", f"has no proof of \"{row}\"")
    if document is None:
        print("note: the seed's document is not here, its rows were not compared")
        return
    wanted = seed_rows(document)
    for row in wanted:
        if row not in proved:
            wrong("docs/SEED.md", f"lacks the seed's row \"{row}\"")
    for row in proved - set(wanted):
        wrong("docs/SEED.md", f"has the row \"{row}\", which the seed has not")
    if len(wanted) < 45:
        wrong("docs/SEED.md", f"only {len(wanted)} rows were found in the seed's document")


def check_traces(files):
    text = read("docs/DEBUGGING.md")
    found = {".".join(m) for f in files if f.endswith(".c") for m in re.findall(r"\bTRACE\((\w+), (\w+)", read(f))}
    for name in sorted(found):
        if f"`{name}`" not in text:
            wrong("docs/DEBUGGING.md", f"does not explain the trace {name}")
    for name in re.findall(r"^\| `(\w+\.\w+)`", text, re.M):
        if name not in found:
            wrong("docs/DEBUGGING.md", f"explains the trace {name}, which is not there")


def is_tracked(files):
    try:
        tracked = set(subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout.split("\n"))
    except (OSError, subprocess.CalledProcessError):
        return files  # an unpacked archive: all there is belongs to it
    return [f for f in files if f in tracked] or files


def main():
    write = "--write" in sys.argv[1:]
    hold_table("docs/OPTIONS.md", "options", options_table(), write)
    hold_table("python/fanatico/options.py", "options", python_options(), write)
    hold_table("docs/RPC.md", "methods", method_tables(), write)
    hold_table("docs/RPC.md", "anvil's flags", anvil_flags(), write)
    hold_table("docs/OPERATING.md", "metrics", metrics_table(), write)
    files = list(walk(".c", ".h", ".rs", ".def", ".txt", ".py", ".sh", ".cmake", ".js", ".cjs", ".json", ".toml", ".md"))
    sources = Sources(read(f) for f in files if f.startswith(("src/", "cmd/", "test/", "include/", "hardhat/")) and f.endswith((".c", ".h", ".rs", ".cjs", ".js")))
    documents = is_tracked([f for f in files if f.endswith(".md")])
    for md in documents:
        text = read(md)
        body = prose(text)
        check_links(md, body)
        check_paths(md, body, files)
        check_symbols(md, body, sources, md == "docs/TOUR.md")
        check_hygiene(md, text)
    check_folders()
    check_seed()
    check_traces(files)
    for line in broken:
        print(line)
    if any("row of" in line for line in broken):
        print("Cure for missing rows: python3 test/docs/check_docs.py --write, and read what it changed")
    print(f"{len(documents)} documents held against the tree, {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
