"""The bench's rows about the chain: transactions, calls, logs, import, and whether an old chain is a slow one.

Ours, anvil and geth do the same work in turn within one run. Blocks are made once, by us; geth gets the very same by import, anvil makes
its own from the same requests. run.py calls these.
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

import servers

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNTS = ["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
            "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
            "0x976EA74026E726554dB657fA54763abd0C3a0aa9", "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
            "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f", "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"]
STAMP = ["--timestamp", "1750000000"]
# LOG3 as often as the first word of its input says, n counting down to 1: topics 1, 2 and (second word + n), 32 bytes of data.
EMITTER = "5f355b80602035016002600160205fa36001900380600257" + "00"
RARE = 1 << 60  # a third topic that ten logs have
ANVIL_BLOCKS = 4000  # what a block costs anvil grows with their number, also with --prune-history: 100,000 would take days


def deployment(code):
    """Creation code for this runtime code."""
    size = len(code) // 2
    return f"0x60{size:02x}8060095f395ff3{code}"


def word(v):
    return f"{v:064x}"


def body(method, *params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, separators=(",", ":"))


def lines_file(folder, name, bodies):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        for x in bodies:
            f.write(x + "\n")
    return path


def batch(server, items):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/", ("[" + ",".join(items) + "]").encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        answers = json.load(response)
    bad = [x for x in answers if "result" not in x]
    if bad:
        raise RuntimeError(f"{server.name}: {bad[0]}")
    return [x["result"] for x in answers]


def load(b, server, path, connections=1, ms=None):
    command = [os.path.join(servers.BIN, "call_load"), "--port", str(server.port), "--pid", str(server.pid), "--lines",
               path, "--connections", str(connections)]
    return b.run(server, command + (["--repeat", "--milliseconds", str(ms)] if ms else []))[0]


def geth_file():
    found = sorted(glob.glob(os.path.join(servers.CACHE, "go", "geth-*")))
    return found[-1] if found else None


def instant(name, *more):
    """A server that makes a block for each transaction: ours or anvil."""
    if name == "fanatico":
        return servers.fanatico(*STAMP, *more)
    return servers.anvil("--timestamp", "1750000000", *more, mining=True)


def deploy(server, code):
    tx = server.rpc("eth_sendTransaction", {"from": ACCOUNTS[0], "data": code, "gas": hex(3000000)})
    end = time.monotonic() + 30
    while time.monotonic() < end:
        receipt = server.rpc("eth_getTransactionReceipt", tx)
        if receipt:
            return receipt["contractAddress"]
        time.sleep(0.01)
    raise RuntimeError(f"{server.name}: no receipt")


def entrants(b):
    return ["fanatico", "anvil"] if b.peers and servers.anvil_file() else ["fanatico"]


# ---- transactions ----

def signed(server, count, senders):
    """Transfers, signed by the node that has the keys; transaction i is of sender i modulo senders."""
    out = []
    for at in range(0, count, 500):
        out += [x["raw"] for x in batch(server, [
            body("eth_signTransaction", {"from": ACCOUNTS[i % senders], "to": "0x" + f"{0xb0b0000 + i:040x}",
                                         "value": "0x1", "gas": "0x5208", "gasPrice": hex(3 * 10**9),
                                         "nonce": hex(i // senders)}) for i in range(at, min(at + 500, count))])]
    return out


def mined(server, senders):
    return sum(int(x, 16) for x in batch(server, [body("eth_getTransactionCount", a, "latest")
                                                  for a in ACCOUNTS[:senders]]))


def sent(b, server, path, count, senders):
    """The clock stops when the last transaction is in a block, not when the last was answered: anvil answers before, and
    leaves what came too fast in its pool until somebody mines."""
    begin = time.monotonic()
    got = load(b, server, path, senders)
    while mined(server, senders) < count:
        if time.monotonic() > begin + 60:
            got["faults"] += 1
            break
        server.rpc("evm_mine")
    got["per_s"] = count / (time.monotonic() - begin)
    got["blocks"] = int(server.rpc("eth_blockNumber"), 16)
    return got


def transactions(b, count, connections=(1, 8)):
    """eth_sendRawTransaction with instant blocks."""
    with tempfile.TemporaryDirectory() as folder:
        for senders in connections:
            signer = instant("fanatico")
            try:
                raws = signed(signer, count, senders)
            finally:
                signer.stop()
            path = lines_file(folder, "raw", [body("eth_sendRawTransaction", x) for x in raws])
            got = {name: [] for name in entrants(b)}
            for _ in range(b.rounds):
                for name, kept in got.items():
                    server = instant(name)
                    try:
                        kept.append(sent(b, server, path, count, senders))
                    finally:
                        server.stop()
            for name, kept in got.items():
                b.add(f"transactions {senders} connections", name, "chain", kept)


# ---- a long chain: calls, logs, its age ----

def emit_lines(emitter, first, count, total, each, by_hand):
    """Requests that make `count` blocks of `each` logs; ten blocks of all `total` have one that is rare."""
    every = max(1, total // 10)
    for i in range(first, first + count):
        base = RARE - 5 if i % every == every // 2 else (each + 6) * (i + 1)
        data = "0x" + word(each) + word(base)
        yield body("eth_sendTransaction", {"from": ACCOUNTS[0], "to": emitter, "data": data,
                                           "gas": hex(50000 + 2500 * each), "gasPrice": hex(3 * 10**9)})
        if by_hand:
            yield body("evm_mine")


def grow(b, server, folder, blocks):
    """A token, an emitter, and so many blocks of ten logs. Returns both addresses and the time of each piece."""
    by_hand = server.name == "anvil"  # its instant blocks take what has come by then, and leave the rest in the pool
    each = 10
    if by_hand and blocks > ANVIL_BLOCKS:  # as many logs, in fewer blocks
        blocks, each = ANVIL_BLOCKS, each * blocks // ANVIL_BLOCKS
    token = deploy(server, "0x" + open(os.path.join(HERE, "token.hex")).read().strip())
    emitter = deploy(server, deployment(EMITTER))
    if by_hand:
        server.rpc("evm_setAutomine", False)
    piece = max(1, min(1000, blocks // 4))
    times = []
    for at in range(0, blocks, piece):
        path = lines_file(folder, "grow", emit_lines(emitter, at, min(piece, blocks - at), blocks, each, by_hand))
        times.append(load(b, server, path))
        if by_hand:  # two requests for each block
            times[-1]["per_s"] /= 2
            times[-1]["cpu_us"] *= 2
    if int(server.rpc("eth_blockNumber"), 16) < blocks:
        raise RuntimeError(f"{server.name}: {server.rpc('eth_blockNumber')} blocks, not {blocks}")
    return token, emitter, times


def export(server, path, last):
    with open(path, "wb") as f:
        for at in range(1, last + 1, 50):  # a full block has 150 KB of text, and a reply at most 25 MB
            numbers = range(at, min(at + 50, last + 1))
            for raw in batch(server, [body("debug_getRawBlock", hex(n)) for n in numbers]):
                f.write(bytes.fromhex(raw[2:]))


def genesis_file(folder):
    path = os.path.join(folder, "genesis.json")
    with open(path, "wb") as f:
        f.write(subprocess.run([os.path.join(servers.BIN, "fanatico"), "genesis", *STAMP], check=True,
                               capture_output=True).stdout)
    return path


def geth_import(data, genesis, *files):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([geth_file(), "--datadir", data, "init", genesis], check=True, **quiet)
    begin = time.monotonic()
    subprocess.run([geth_file(), "--datadir", data, "import", *files], check=True, **quiet)
    return time.monotonic() - begin


def geth_on(data):
    port = servers.free_port()
    return servers.Server("geth", [geth_file(), "--datadir", data, "--ipcdisable", "--verbosity", "3", "--maxpeers",
                                   "0", "--nodiscover", "--port", "0", "--networkid", "31337", "--http", "--http.port",
                                   str(port), "--http.api", "eth,net,web3", "--authrpc.port",
                                   str(servers.free_port())], port, [])


def geth_indexed(server, patience_s=600):
    """Its index of logs is made behind the import, once it serves. It says so at the end, if that took it long."""
    began, idle = time.monotonic(), 0
    while True:
        said, before = server.said(), server.ticks()
        if "Log index head rendering finished" in said or (idle == 5 and "Log index head rendering" not in said):
            break
        if time.monotonic() > began + patience_s:
            raise RuntimeError(f"geth has no index of logs after {patience_s} s")
        time.sleep(1)
        idle = idle + 1 if server.ticks() - before <= 1 else 0
    print(f"  geth indexed the logs: {time.monotonic() - began:.0f} s", flush=True)


def resident(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def node_on(data):
    port = servers.free_port()
    return servers.Server("fanatico node", [os.path.join(servers.BIN, "fanatico"), "node", "--datadir", data, "--port",
                                            str(port), "--block-time", "3600", "--silent"], port, [])


def on_the_chain(b, folder, blocks, do):
    """do({name: (server, token, emitter, times)}): ours in memory and from a folder, anvil and geth; set up one after the
    other and all alive together, so that the measurements can take turns. anvil has as many logs in fewer blocks."""
    alive = {}

    def say(what, began, more=""):
        print(f"  {what}: {time.monotonic() - began:.0f} s{more}", flush=True)

    try:
        for name in entrants(b):
            began = time.monotonic()
            server = instant(name, *(["--prune-history"] if name == "anvil" else []))
            before = resident(server.pid)
            alive[name] = (server, *grow(b, server, folder, blocks))
            made = int(server.rpc("eth_blockNumber"), 16)
            each = (resident(server.pid) - before) / made
            say(f"{name} made {made:,} blocks", began, f", {each:,.0f} bytes of memory each")
            if name == "fanatico":
                b.add("a block of ten logs", name, "memory", [{"bytes_per_block": each, "faults": 0}])
        ours = alive["fanatico"]
        path, genesis = os.path.join(folder, "chain.rlp"), genesis_file(folder)
        export(ours[0], path, int(ours[0].rpc("eth_blockNumber"), 16))
        began = time.monotonic()
        fanatico_import(os.path.join(folder, "node"), genesis, path)
        alive["fanatico node"] = (node_on(os.path.join(folder, "node")), *ours[1:3], [])
        say("fanatico node imported them", began)
        if b.peers and geth_file():
            began = time.monotonic()
            geth_import(os.path.join(folder, "geth"), genesis, path)
            alive["geth"] = (geth_on(os.path.join(folder, "geth")), *ours[1:3], [])
            say("geth imported them", began)
        do(alive)
    finally:
        for server, *_ in alive.values():
            server.stop()


def calls_and_logs(b, blocks):
    def measure(alive):
        call = {n: lines_file(folder, f"call.{n}", [body("eth_call", {
            "to": token, "data": "0x70a08231" + ACCOUNTS[0][2:].lower().rjust(64, "0")}, "latest")])
            for n, (_, token, _, _) in alive.items()}
        query = {n: lines_file(folder, f"logs.{n}", [body("eth_getLogs", {
            "address": emitter, "fromBlock": "0x0", "toBlock": "latest",
            "topics": ["0x" + word(1), "0x" + word(2), "0x" + word(RARE)]})]) for n, (_, _, emitter, _) in alive.items()}
        if "geth" in alive:
            geth_indexed(alive["geth"][0])
        for name, (server, token, emitter, _) in alive.items():
            found = server.rpc("eth_getLogs", json.loads(open(query[name]).read())["params"][0])
            if len(found) != min(10, blocks):
                raise RuntimeError(f"{name}: {len(found)} logs, not 10")
        for row, files, connections in (("balanceOf", call, 1), ("balanceOf", call, 8), ("getLogs", query, 1)):
            got = {n: [] for n in alive}
            for _ in range(b.rounds):
                for n, (server, *_) in alive.items():
                    got[n].append(load(b, server, files[n], connections, max(300, int(2000 * b.scale))))
            for n, kept in got.items():
                b.add(f"{row} {connections} connections", n, "chain", kept)
        if len(alive["fanatico"][3]) > 2:
            for name, (_, _, _, times) in alive.items():
                if times:
                    b.add("mining the first blocks", name, "chain", times[:1] if len(times) < 8 else times[1:4])
                    b.add("mining the last blocks", name, "chain", times[-1:] if len(times) < 8 else times[-3:])

    with tempfile.TemporaryDirectory() as folder:
        on_the_chain(b, folder, blocks, measure)


# ---- import ----

def token_chain(b, folder, blocks, per_block):
    """Blocks half full of token transfers, so that the base fee stays where it is, to fresh and known accounts; returns the gas behind
    the first block."""
    server = servers.fanatico(*STAMP, "--no-mining")
    try:
        deploy_tx = body("eth_sendTransaction", {"from": ACCOUNTS[0], "data": "0x" + open(
            os.path.join(HERE, "token.hex")).read().strip(), "gas": hex(3000000)})
        hash_ = batch(server, [deploy_tx])[0]
        server.rpc("evm_mine")
        token = server.rpc("eth_getTransactionReceipt", hash_)["contractAddress"]
        give = [body("eth_sendTransaction", {"from": ACCOUNTS[0], "to": token, "gas": hex(100000),
                                             "data": "0xa9059cbb" + a[2:].lower().rjust(64, "0") + word(10**24)})
                for a in ACCOUNTS[1:]]
        batch(server, give)
        server.rpc("evm_mine")
        for n in range(blocks):
            items = []
            for i in range(per_block):
                k = n * per_block + i
                to = 0xc0ffee0000 + (k if k % 2 else k % 5000)  # half of them new
                items.append(body("eth_sendTransaction", {
                    "from": ACCOUNTS[k % len(ACCOUNTS)], "to": token, "gas": hex(100000), "gasPrice": hex(1000 * 10**9),
                    "data": "0xa9059cbb" + word(to) + word(1 + k % 7)}))
            batch(server, items)
            server.rpc("evm_mine")
        last = int(server.rpc("eth_blockNumber"), 16)
        export(server, os.path.join(folder, "all.rlp"), last)
        export(server, os.path.join(folder, "first.rlp"), 1)
        gas = sum(int(x["gasUsed"], 16) for at in range(2, last + 1, 500) for x in batch(
            server, [body("eth_getBlockByNumber", hex(i), False) for i in range(at, min(at + 500, last + 1))]))
        return gas
    finally:
        server.stop()


def fanatico_import(data, genesis, *files):
    program = os.path.join(servers.BIN, "fanatico")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "init", "--datadir", data, "--genesis", genesis], check=True, **quiet)
    begin = time.monotonic()
    subprocess.run([program, "import", "--datadir", data, *files], check=True, **quiet)
    return time.monotonic() - begin


def imports(b, blocks, per_block):
    """Both from the shell into a folder on disk; what a start and one block cost is taken off."""
    with tempfile.TemporaryDirectory() as folder:
        gas, genesis = token_chain(b, folder, blocks, per_block), genesis_file(folder)
        ways = {"fanatico": fanatico_import}
        if b.peers and geth_file():
            ways["geth"] = geth_import
        got = {n: [] for n in ways}
        for _ in range(min(3, b.rounds)):
            for n, way in ways.items():
                times = []
                for name in ("first.rlp", "all.rlp"):
                    data = os.path.join(folder, "data")
                    times.append(way(data, genesis, os.path.join(folder, name)))
                    shutil.rmtree(data)
                got[n].append({"mgas_per_s": gas / 1e6 / (times[1] - times[0]), "seconds": times[1], "start_s": times[0],
                               "mgas": gas / 1e6, "faults": 0})
        for n, kept in got.items():
            b.add("import", n, "chain", kept)
