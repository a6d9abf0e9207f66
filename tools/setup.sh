#!/usr/bin/env bash
# Installs what a target needs, by package name: `setup.sh build` for compiling, `setup.sh unit` for the second compiler and the tests'
# scripts, `setup.sh test` for these and the tests' clients and peers,
# `setup.sh autobahn` for the WebSocket suite among them.
# What is there already costs nothing; what cannot be installed is named in one line with its cure (exit code 2).
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${FANATICO_CACHE:-$HOME/.cache/fanatico}
mkdir -p "$cache" build

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 2; }

# A list of Debian packages, one a line, # for comments.
debian() {
    local wanted missing=() p sudo=
    mapfile -t wanted < <(sed 's/#.*//' "$1" | awk 'NF {print $1}')
    command -v dpkg-query >/dev/null || die "no dpkg here. Cure: install the equivalents of: ${wanted[*]}"
    for p in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "packages are missing and this is not root. Cure: apt-get install ${missing[*]}"
        sudo=sudo
    fi
    say "installing from Debian: ${missing[*]}"
    $sudo apt-get update -qq || true
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"build/apt.log" 2>&1 ||
        die "apt-get failed ($(tail -n 1 build/apt.log)). Cure: apt-get install ${missing[*]}"
}

cargo_needed() {
    local cargo
    cargo=$(command -v cargo || true)
    [ -n "$cargo" ] || { [ -x "$HOME/.cargo/bin/cargo" ] && cargo=$HOME/.cargo/bin/cargo; } ||
        die "cargo is missing. Cure: install Rust 1.91 or newer with rustup"
    "$cargo" --version | awk '{split($2, v, "."); exit !(v[1] > 1 || v[2] >= 91)}' ||
        die "$("$cargo" --version) is too old. Cure: rustup update (1.91 or newer is needed)"
}

node_needed() {
    command -v node >/dev/null || die "node is missing. Cure: install Node.js 20 or newer"
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || die "Node.js $(node --version) is too old. Cure: install Node.js 20 or newer"
}

# npm_project NAME FOLDER: node_modules of FOLDER/package-lock.json in build/NAME, installed again only when the lock changed.
npm_project() {
    local to=build/$1 from=$2
    command -v npm >/dev/null || die "npm is missing. Cure: install Node.js 20 or newer"
    [ -f "$to/.done" ] && cmp -s "$from/package-lock.json" "$to/.done" && return 0
    say "installing npm packages of $from into $to"
    mkdir -p "$to"
    cp "$from/package.json" "$from/package-lock.json" "$to/"
    (cd "$to" && npm install --no-save --no-audit --no-fund --ignore-scripts --prefer-offline >npm.log 2>&1) ||
        die "npm install failed in $to ($(grep -m1 'npm error' "$to/npm.log")). Cure: look at $to/npm.log"
    cp "$from/package-lock.json" "$to/.done"
}

# python_venv NAME FILE: an environment with what FILE pins, in build/NAME.
python_venv() {
    local to=build/$1 from=$2
    [ -f "$to/.done" ] && cmp -s "$from" "$to/.done" && return 0
    say "installing Python packages of $from into $to"
    python3 -m venv "$to" || die "python3 cannot make a venv. Cure: apt-get install python3-venv"
    "$to/bin/pip" install --quiet --requirement "$from" >"$to/pip.log" 2>&1 || die "pip failed ($(tail -n 1 "$to/pip.log")). Cure: look at $to/pip.log"
    cp "$from" "$to/.done"
}

# The Autobahn suite of WebSocket cases, which is written in Python 2.7. Where there is none, its test is skipped and says so.
autobahn() {
    local to=build/autobahn from=test/autobahn/requirements.txt python='' candidate
    [ -f "$to/.done" ] && cmp -s "$from" "$to/.done" && return 0
    for candidate in "$(command -v python2.7 || true)" "$HOME"/.pyenv/versions/2.7*/bin/python2.7; do
        # a shim of pyenv is on PATH and yet may not run
        if [ -x "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        printf 'setup: NO PYTHON 2.7: the Autobahn suite is SKIPPED. Cure: pyenv install 2.7.18, then make test again\n' >&2
        return 0
    fi
    say "installing the Autobahn suite into $to with $python"
    { "$python" -m virtualenv --version || "$python" -m pip install --user 'virtualenv<20.22'; } >build/autobahn.log 2>&1 &&
        "$python" -m virtualenv --quiet "$to" >>build/autobahn.log 2>&1 &&
        "$to/bin/pip" install --quiet --requirement "$from" >>build/autobahn.log 2>&1 ||
        die "the Autobahn suite did not install ($(tail -n 1 build/autobahn.log)). Cure: look at build/autobahn.log"
    cp "$from" "$to/.done"
}

# promtool, Prometheus' own judge of the format: unpacked, not installed, since its package starts a service.
promtool() {
    local to=build/prometheus
    [ -x "$to/usr/bin/promtool" ] && return 0
    say "unpacking promtool into $to"
    mkdir -p "$to"
    (cd "$to" && apt-get download -qq prometheus >../promtool.log 2>&1 && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb) ||
        die "promtool could not be fetched ($(tail -n 1 build/promtool.log)). Cure: apt-get update, then tools/setup.sh test"
}

# geth and its evm (which runs state tests), the oracles of roots, kept outside the clone: five minutes to compile.
geth_peer() {
    local version=v1.17.10 program
    for program in geth evm; do
        [ -x "$cache/go/$program-$version" ] && continue
        command -v go >/dev/null || die "go is missing. Cure: install Go 1.24 or newer (for geth, the tests' oracle)"
        say "building $program $version (once, some minutes)"
        mkdir -p "$cache/go"
        GOBIN=$cache/go nice go install "github.com/ethereum/go-ethereum/cmd/$program@$version" >build/geth.log 2>&1 ||
            die "go install $program failed ($(tail -n 1 build/geth.log)). Cure: look at build/geth.log"
        mv "$cache/go/$program" "$cache/go/$program-$version"
    done
}

for what in "$@"; do
    case $what in
    build) debian tools/packages/build.txt; cargo_needed ;;
    unit) debian tools/packages/test.txt ;;
    test)
        debian tools/packages/test.txt
        node_needed
        npm_project npm test/npm
        npm_project hardhat3 test/hardhat3
        npm_project ethereum-tests test/ethereum
        npm_project page test/page
        npm_project hardhat hardhat
        [ -e hardhat/node_modules ] || ln -s ../build/hardhat/node_modules hardhat/node_modules
        python_venv venv test/python/requirements.txt
        python_venv venv-web3py6 test/python/web3py6.txt
        promtool
        autobahn
        geth_peer
        ;;
    autobahn) autobahn ;;
    *) die "unknown part '$what': build, unit, test or autobahn" ;;
    esac
done
