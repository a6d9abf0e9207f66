#!/usr/bin/env bash
# Runs the simulation (test/sim/README.md): sim.sh 0xSEED "" replays one, sim.sh "" COUNT runs new ones (1000).
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh dev sim
if [ -n "${1:-}" ]; then exec build/dev/sim --seed "$1"; fi
exec build/dev/sim --seeds "${2:-1000}" --from "$(date +%s)000000"
