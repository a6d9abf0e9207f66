#!/usr/bin/env bash
# Builds what a set of tests needs and runs it in one CTest run: test.sh all|unit|threads|fuzz|system|library [CTest arguments].
# Each preset registers its own set (cmake/tests.cmake); build/tests only joins them, so that one count ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
set_name=${1:-all}
shift || true
case $set_name in
all) presets=(dev tsan fuzz release library) ;;
unit) presets=(dev) ;;
threads) presets=(tsan) ;;
fuzz) presets=(fuzz) ;;
system) presets=(release) ;;
library) presets=(library) ;;
*) printf 'test.sh: all, unit, threads, fuzz, system or library, not %s\n' "$set_name" >&2; exit 2 ;;
esac
for preset in "${presets[@]}"; do
    printf '\033[1m==>\033[0m building %s\n' "$preset"
    if [ "$preset" = fuzz ]; then tools/build.sh fuzz fuzzers; else tools/build.sh "$preset"; fi
done
if [ "$set_name" = all ]; then
    printf '\033[1m==>\033[0m compiling with clang, warnings are errors\n'
    tools/build.sh clang
fi
mkdir -p build/tests
: >build/tests/CTestTestfile.cmake
for preset in "${presets[@]}"; do printf 'subdirs("../%s")\n' "$preset" >>build/tests/CTestTestfile.cmake; done
export FANATICO_CACHE=${FANATICO_CACHE:-$HOME/.cache/fanatico}
exec ctest --test-dir build/tests -j 2 --output-on-failure --no-tests=error "$@"
