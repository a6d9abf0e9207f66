"""The bench's tables and its plot, from the rows that run.py collected."""
import json
import math
import os
import platform
import re

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def machine():
    text = open("/proc/cpuinfo").read()
    model = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read()).group(1))
    return {"processor": model.group(1) if model else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(memory / 2**20), "kernel": platform.release(),
            "load_at_end": round(os.getloadavg()[0], 1)}


def find(result, row, server, phase):
    return next((r for r in result["rows"] if (r["row"], r["server"], r["phase"]) == (row, server, phase)), None)


def ratio(result, row, phase, key, base="bare sender", server="fanatico"):
    ours, theirs = find(result, row, server, phase), find(result, row, base, phase)
    if not ours or not theirs or not theirs.get(key):
        return None
    return ours[key] / theirs[key]


def promised(result):
    """(quantity, bound, measured, kept) for each number of design.md section 9 that this bench measures."""
    out = []

    def put(name, bound, value, at_most, form="{:.2f}"):
        if value is not None:
            kept = value <= bound if at_most else value >= bound
            sign = "≤" if at_most else "≥"
            out.append((name, f"{sign} {form.format(bound)}", form.format(value), "yes" if kept else "**no**"))

    for count in (1000, 10000):
        row = f"newHeads {count}x1"
        put(f"notifications/s to {count:,} × 1 ÷ bare sender, flood", 0.9, ratio(result, row, "flood", "per_s"), False)
        put("the same, lockstep", 0.9, ratio(result, row, "lockstep", "per_s"), False)
    row = "newHeads 1000x100"
    put("notifications/s to 1,000 × 100 ÷ bare sender, own head and shared tail, lockstep", 0.8,
        ratio(result, row, "lockstep", "per_s", "bare, shared tail"), False)
    put("the same, flood", 0.8, ratio(result, row, "flood", "per_s", "bare, shared tail"), False)
    row = "newHeads 1000x1"
    put("CPU per notification ÷ bare sender, 1,000 × 1, lockstep", 1.1, ratio(result, row, "lockstep", "cpu_us"), True)
    put("time to the last of 1,000 at 20 events/s ÷ bare sender", 1.0, ratio(result, row, "paced", "last_ms"), True)
    many, few = find(result, "logs 10 of 100000", "fanatico", "lockstep"), find(result, "logs 10 of 100", "fanatico",
                                                                               "lockstep")
    if many and few:
        put("a log with ten matches among 100,000 filters ÷ among 100, CPU", 1.5, many["cpu_us"] / few["cpu_us"], True)
        put("the same, time", 1.5, few["per_s"] / many["per_s"], True)
    for r in result["rows"]:
        if r["phase"] == "memory" and "8000" in r["row"]:
            put("bytes of ours per idle client with one subscription", 512, r["bytes_per_client"], True, "{:.0f}")
            put("bytes per further subscription", 64, r["bytes_per_subscription"], True, "{:.0f}")
        if r["phase"] == "memory" and "10000" in r["row"]:
            put("subscriptions in one process", 1_000_000, r["subscriptions"], False, "{:,.0f}")
    calm, full = (find(result, f"1000 live, {x} stalled", "fanatico", "paced") for x in (0, 1000))
    if calm and full:
        kernel = full.get("kernel_growth", 0) / 2**20
        put(f"memory growth with 1,000 stalled of 2,000, MiB (the kernel's TCP memory: {kernel:+.0f} MiB)", 64, full["rss_growth"] / 2**20, True, "{:.1f}")
        put("time to the last live one ÷ without stalled", 1.05, full["last_ms"] / calm["last_ms"], True)
    for count in (1, 64):
        put(f"eth_blockNumber, {count} connections ÷ constant server", 0.9,
            ratio(result, f"eth_blockNumber {count} connections", "http", "per_s", "constant server"), False)
    return out


def chain_promised(result):
    """The same for the numbers about the chain, each against whichever peer was there."""
    out = []

    def put(name, bound, row, key, peers, more_is_better=True):
        for peer in peers:
            value = ratio(result, row, "chain", key, peer)
            if value is None:
                continue
            value = value if more_is_better else 1 / value
            out.append((f"{name} ÷ {peer}", f"≥ {bound}", f"{value:.2f}", "yes" if value >= bound else "**no**"))

    put("import, Mgas/s", 1.0, "import", "mgas_per_s", ["geth"])
    for count in (1, 8):
        put(f"transactions/s, instant blocks, {count} connections", 3, f"transactions {count} connections", "per_s",
            ["anvil"])
    for peer, over in (("anvil", " (for anvil over 4,000)"), ("geth", "")):
        put(f"getLogs/s, ten matches in 1,000,000 logs over 100,000 blocks{over}", 20, "getLogs 1 connections", "per_s",
            [peer])
    for count in (1, 8):
        put(f"eth_call balanceOf/s, {count} connections", 1.5, f"balanceOf {count} connections", "per_s",
            ["anvil", "geth"])
    last, first = (find(result, f"mining the {x} blocks", "fanatico", "chain") for x in ("last", "first"))
    if last and first:
        value = last["per_s"] / first["per_s"]
        out.append(("blocks/s near 100,000 ÷ near 100", "≥ 0.95", f"{value:.2f}", "yes" if value >= 0.95 else "**no**"))
    block = find(result, "a block of ten logs", "fanatico", "memory")
    if block:
        out.append(("bytes of memory for a block of ten logs, in `fanatico dev`", "", number(block["bytes_per_block"]), ""))
    return out


def claimed(result):
    """The claims of the document the project began from, and what was measured here."""
    flood = find(result, "newHeads 1000x1", "fanatico", "flood")
    step = find(result, "newHeads 1000x1", "fanatico", "lockstep")
    paced = find(result, "newHeads 1000x1", "fanatico", "paced")
    rows = []
    if flood and step:
        rows.append(("notifications a second", "10,000+", f"{step['per_s']:,.0f} to 1,000 clients, event by event; "
                     f"{flood['per_s']:,.0f} when events queue"))
    paced = paced if paced and "p50_ms" in paced else find(result, "newHeads 1000x1, later run", "fanatico", "paced")
    if paced:
        rows.append(("latency", "< 10 ms", f"1,000 clients at 20 events/s: p50 {paced['p50_ms']:.1f}, p99 "
                     f"{paced['p99_ms']:.1f}, max {paced['max_ms']:.1f} ms"))
    small = find(result, "newHeads 100x1", "fanatico", "paced")
    small = small if small and "p50_ms" in small else find(result, "newHeads 100x1, later run", "fanatico", "paced")
    if small:
        rows.append(("", "", f"100 clients at 20 events/s: p50 {small['p50_ms']:.1f}, p99 {small['p99_ms']:.1f}, max "
                     f"{small['max_ms']:.1f} ms"))
    for r in result["rows"]:
        if r["phase"] == "memory" and "8000" in r["row"]:
            rows.append(("bytes per client", "~1 KB", f"{r['bytes_per_client']:.0f} with one subscription, "
                         f"{r['bytes_per_subscription']:.0f} per further one"))
        if r["phase"] == "memory" and "10000" in r["row"]:
            rows.append(("subscriptions", "100,000", f"{r['subscriptions']:,.0f} in {r['rss'] / 2**20:,.0f} MiB"))
    return rows


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(x) for x in r) + " |" for r in rows]) + "\n"


def number(value, form="{:,.0f}"):
    return "" if value is None else form.format(value)


def tables(result):
    m = result["machine"]
    out = [f"Machine: {m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB, Linux {m['kernel']}; load average at "
           f"the end {m['load_at_end']}." + (f" The run took {result['seconds']} s." if result["seconds"] else "") + "\n",
           "### What design.md section 9 answers for\n",
           table(["quantity", "bound", "measured", "kept"], promised(result)),
           "### What the chain answers for\n",
           table(["quantity", "bound", "measured", "kept"], chain_promised(result)),
           "### What the seed claimed\n", table(["quantity", "claim", "measured"], claimed(result)),
           "### All figures\n"]
    rows = []
    for r in result["rows"]:
        if r["phase"] == "memory":
            continue
        base = {"http": "constant server"}.get(r["phase"], "bare sender")
        own = find(result, r["row"], base, r["phase"])
        milli = (lambda k: number(r.get(k + "_ms", r[k + "_us"] / 1e3 if k + "_us" in r else None), "{:,.3f}"))
        rows.append((r["row"], r["server"], r["phase"], number(r.get("per_s")),
                     number(r["per_s"] / own["per_s"], "{:.2f}") if own and own.get("per_s") else "",
                     number(r.get("cpu_us"), "{:.3f}"),
                     number(r["cpu_us"] / own["cpu_us"], "{:.2f}") if own and own.get("cpu_us") else "",
                     milli("p50"), milli("p99"), milli("max"), number(r.get("first_ms"), "{:,.3f}"), number(r.get("last_ms"), "{:,.3f}"),
                     number(r["faults"])))
    if result.get("notes"):
        out.append("What could not be measured: " + "; ".join(result["notes"]) + ".\n")
    out.append(table(["what", "server", "phase", "per second", "÷ bare", "CPU µs each", "÷ bare", "p50 ms", "p99 ms",
                      "max ms", "first ms", "last ms", "faults"], rows))
    return "\n".join(out)


def plot(result):
    """Bars: notifications a second to N connections, event by event, for each server. No library needed."""
    names = ["fanatico", "bare sender", "anvil", "geth"]
    colours = {"fanatico": "#1b6ac9", "bare sender": "#9aa5b1", "anvil": "#d9822b", "geth": "#7157d9"}
    groups = [(f"{c:,} × {e}", [find(result, f"newHeads {c}x{e}", s, "lockstep") for s in names])
              for c, e in ((100, 1), (1000, 1), (10000, 1), (1000, 10), (1000, 100))]
    groups = [(label, bars) for label, bars in groups if any(bars)]
    width, height, left, top = 860, 380, 80, 50
    logs = [3.0, 7.0]  # a thousand to ten million a second
    y = lambda v: top + (height - top - 60) * (1 - (math.log10(max(v, 1000)) - logs[0]) / (logs[1] - logs[0]))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
           f'font-size="12"><rect width="100%" height="100%" fill="white"/>',
           f'<text x="{left}" y="24" font-size="15">newHeads notifications a second, each event ordered when all have '
           f'the one before (log scale)</text>']
    for power in range(3, 8):
        at = y(10**power)
        out.append(f'<line x1="{left}" y1="{at:.1f}" x2="{width - 20}" y2="{at:.1f}" stroke="#e3e8ee"/>'
                   f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    step = (width - left - 20) / max(1, len(groups))
    for i, (label, bars) in enumerate(groups):
        x = left + i * step + 10
        each = (step - 20) / len(names)
        for j, (name, bar) in enumerate(zip(names, bars)):
            if not bar:
                continue
            at = y(bar["per_s"])
            out.append(f'<rect x="{x + j * each:.1f}" y="{at:.1f}" width="{each - 4:.1f}" '
                       f'height="{height - 60 - at:.1f}" fill="{colours[name]}"/><text x="{x + (j + 0.5) * each - 2:.1f}" '
                       f'y="{at - 4:.1f}" text-anchor="middle" font-size="10">{bar["per_s"] / 1000:,.0f}k</text>')
        out.append(f'<text x="{x + step / 2 - 10:.1f}" y="{height - 40}" text-anchor="middle">{label}</text>')
    for j, name in enumerate(names):
        out.append(f'<rect x="{left + j * 150}" y="{height - 24}" width="12" height="12" fill="{colours[name]}"/>'
                   f'<text x="{left + j * 150 + 18}" y="{height - 14}">{name}</text>')
    return "\n".join(out) + "\n</svg>\n"


def document(result, source):
    path = os.path.join(source, "docs", "PERFORMANCE.md")
    text = open(path).read()
    before, rest = text.split(BEGIN)
    with open(path, "w") as f:
        f.write(before + BEGIN + "\n" + tables(result) + END + rest.split(END)[1])
    with open(os.path.join(source, "docs", "performance.svg"), "w") as f:
        f.write(plot(result))


if __name__ == "__main__":  # the page again, from the last run's figures
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(here, "build", "bench", "results.json")) as last:
        document(json.load(last), here)
