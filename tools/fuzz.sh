#!/usr/bin/env bash
# Fuzzing, in two ways.
# fuzz.sh SECONDS [TARGET…] explores: builds every target and runs each, two at a time, from a random seed, beginning with the inputs of test/corpus/TARGET,
# which are in the repository, and with what earlier runs kept in build/corpus/TARGET.
# fuzz.sh --one TARGET SECONDS (what CTest's fuzz.* do) repeats: a target that is built already, one seed, the inputs of test/corpus/TARGET in the order of
# their names, nothing that another run left, and no more runs than tools/fuzz_runs.txt says. So a commit is not red today and green tomorrow, and a faster
# machine does not go where nobody was.
# A crash fails either, leaves the input beside build/corpus/TARGET, prints it in hex (up to 4 KiB) and the command that shows it again.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --one ] || [ "${1:-}" = --explore ]; then
    way=$1 target=$2 seconds=$3
    kept=build/corpus/$target log=build/corpus/$target.log inputs=test/corpus/$target given=()
    mkdir -p build/corpus
    if [ "$way" = --one ]; then
        given=(-seed=1 -reload=0 -use_cmp=0) # without a folder new inputs stay in memory; compared values may be addresses, which differ each time
        if [ -d "$inputs" ]; then # a list, since the order of a folder is the file system's
            find "$inputs" -type f | LC_ALL=C sort | paste -sd, | tr -d '\n' >"$kept.list"
            given+=("-seed_inputs=@$kept.list")
        fi
        most=$(sed -n "s/^$target //p" tools/fuzz_runs.txt)
        [ -z "$most" ] || given+=("-runs=$most")
    else
        mkdir -p "$kept"
        given=("$kept")
        [ -d "$inputs" ] && given+=("$inputs")
    fi
    if ! nice "build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
        -artifact_prefix="$kept-" "${given[@]}" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        if [ -f "$found" ] && [ "$(stat -c %s "$found")" -le 4096 ]; then
            printf 'fuzz.sh: the input (xxd -r -p makes it a file again): %s\n' "$(od -An -v -tx1 "$found" | tr -d ' \n')" >&2
        fi
        printf 'fuzz.sh: %s failed. Again: build/fuzz/fuzz_%s %s\n' "$target" "$target" "${found:-$kept}" >&2
        exit 1
    fi
    runs=$(sed -n 's/^Done \([0-9]*\) runs in .*/\1/p' "$log" | tail -n 1)
    [ -n "$runs" ] || { printf 'fuzz.sh: %s did not run: see %s\n' "$target" "$log" >&2; exit 1; }
    printf '%-20s %10s runs, %s\n' "$target" "$runs" "$(grep -o 'cov: [0-9]* ft: [0-9]* corp: [0-9]*' "$log" | tail -n 1)"
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
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} "$0" --explore {} "$seconds" || failed=1
if [ $failed = 0 ]; then
    printf '%d fuzz targets, %s seconds each: no crash\n' ${#targets[@]} "$seconds"
else
    echo "fuzz.sh: a target failed" >&2
fi
exit $failed
