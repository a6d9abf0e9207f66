#!/usr/bin/env bash
# Builds every fuzz target and runs each for some seconds, two at a time: fuzz.sh SECONDS [TARGET…].
# fuzz.sh --one TARGET SECONDS runs one that is built already (what CTest's fuzz.* do).
# A run begins with the inputs of test/corpus/TARGET, which are in the repository, and with what earlier runs kept in build/corpus/TARGET.
# A crash fails it, leaves the input beside that folder and prints the command that shows it again.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --one ]; then
    target=$2 seconds=$3
    kept=build/corpus/$target log=build/corpus/$target.log given=()
    mkdir -p "$kept"
    [ -d "test/corpus/$target" ] && given=("test/corpus/$target")
    if ! nice "build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
        -artifact_prefix="build/corpus/$target-" "$kept" "${given[@]}" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        printf 'fuzz.sh: %s failed. Again: build/fuzz/fuzz_%s %s\n' "$target" "$target" "${found:-$kept}" >&2
        exit 1
    fi
    runs=$(sed -n 's/^Done \([0-9]*\) runs in .*/\1/p' "$log" | tail -n 1)
    [ -n "$runs" ] || { printf 'fuzz.sh: %s did not run: see %s\n' "$target" "$log" >&2; exit 1; }
    printf '%-20s %10s runs, %s inputs kept\n' "$target" "$runs" "$(find "$kept" -type f | wc -l)"
    exit 0
fi

seconds=${1:-20}
shift || true
tools/build.sh fuzz fuzzers
if [ $# -gt 0 ]; then
    targets=("${@#fuzz_}")
else
    mapfile -t targets < <(find build/fuzz -maxdepth 1 -name 'fuzz_*' -type f -executable -printf '%f\n' | sed 's/^fuzz_//' | sort)
fi
[ ${#targets[@]} -gt 0 ] || { echo "fuzz.sh: no fuzz target was built" >&2; exit 2; }
failed=0
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} "$0" --one {} "$seconds" || failed=1
if [ $failed = 0 ]; then
    printf '%d fuzz targets, %s seconds each: no crash\n' ${#targets[@]} "$seconds"
else
    echo "fuzz.sh: a target failed" >&2
fi
exit $failed
