#!/usr/bin/env bash
# Builds every fuzz target and runs each for some seconds: fuzz.sh SECONDS [TARGET…]. What it finds worth keeping stays in
# build/corpus/TARGET, so that the next run goes on from there. A crash ends it, with the command that shows the crash again.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
shift || true
tools/build.sh fuzz fuzzers
if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(cd build/fuzz && find . -maxdepth 1 -name 'fuzz_*' -type f -executable -printf '%f\n' | sort); fi
[ ${#targets[@]} -gt 0 ] || { echo "fuzz.sh: no fuzz target was built" >&2; exit 2; }
for target in "${targets[@]}"; do
    corpus=build/corpus/$target log=build/corpus/$target.log
    mkdir -p "$corpus"
    if ! nice "build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -artifact_prefix="build/corpus/$target-" "$corpus" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "fuzz.sh: $target failed. Again: build/fuzz/$target ${found:-$corpus}" >&2
        exit 1
    fi
    printf '%-28s %s\n' "$target" "$(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log" | tail -n 1)s, $(find "$corpus" -type f | wc -l) inputs kept"
done
