#!/usr/bin/env bash
# Configures (when needed) and builds a preset: build.sh PRESET [TARGET…]. Quiet when there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
dir=build/$preset
export PATH=$PATH:$HOME/.cargo/bin
if [ ! -f "$dir/build.ninja" ]; then
    printf '\033[1m==>\033[0m configuring %s\n' "$dir"
    mkdir -p "$dir"
    cmake --preset "$preset" >"$dir/configure.log" 2>&1 || { grep -A3 'CMake Error' "$dir/configure.log" >&2 || cat "$dir/configure.log" >&2; exit 2; }
fi
nice ninja -C "$dir" --quiet "$@" | { grep -v '^ninja: no work to do' || true; }
