#!/usr/bin/env bash
# Makes the Debian packages from build/release into build/deb: fanatico (the node, its service, manual page, completions),
# libfanatico0 (the library) and libfanatico-dev (headers, the static library, pkg-config). deb.sh [VERSION-REVISION]
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
upstream=$(sed -n 's/^project(fanatico VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
version=${1:-$upstream-1}
arch=$(dpkg --print-architecture)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
to=build/deb
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH=$epoch
maintainer="The Fanatico authors <fanatico@localhost>"
rm -rf "$to"
mkdir -p "$to/debian" "$to/all"
DESTDIR=$PWD/$to/all cmake --install build/release --prefix /usr >"$to/install.log"
all=$to/all/usr

# move PACKAGE FROM TO: a file of the installation into a package.
move() {
    mkdir -p "$(dirname "$to/$1/$3")"
    mv "$all/$2" "$to/$1/$3"
}
move fanatico bin/fanatico usr/bin/fanatico
move fanatico share/man/man1/fanatico.1 usr/share/man/man1/fanatico.1
move fanatico share/bash-completion/completions/fanatico usr/share/bash-completion/completions/fanatico
move fanatico share/zsh/site-functions/_fanatico usr/share/zsh/vendor-completions/_fanatico
move fanatico share/fish/vendor_completions.d/fanatico.fish usr/share/fish/vendor_completions.d/fanatico.fish
install -Dm644 packaging/fanatico.service "$to/fanatico/lib/systemd/system/fanatico.service"
install -Dm644 packaging/fanatico.toml "$to/fanatico/etc/fanatico/fanatico.toml"
install -Dm644 packaging/genesis.json "$to/fanatico/usr/share/doc/fanatico/examples/genesis.json"
install -Dm644 docs/OPERATING.md "$to/fanatico/usr/share/doc/fanatico/OPERATING.md"
gzip -9n "$to/fanatico/usr/share/man/man1/fanatico.1" "$to/fanatico/usr/share/doc/fanatico/OPERATING.md"
mkdir -p "$to/libfanatico0/usr/lib/$multiarch" "$to/libfanatico-dev/usr/lib/$multiarch/pkgconfig"
mv "$all"/lib/libfanatico.so.* "$to/libfanatico0/usr/lib/$multiarch/"
mv "$all"/lib/libfanatico.so "$all"/lib/libfanatico.a "$to/libfanatico-dev/usr/lib/$multiarch/"
mv "$all"/lib/pkgconfig/fanatico.pc "$to/libfanatico-dev/usr/lib/$multiarch/pkgconfig/"
sed -i "s|^prefix=.*|prefix=/usr|; s|^libdir=.*|libdir=\${prefix}/lib/$multiarch|" "$to/libfanatico-dev/usr/lib/$multiarch/pkgconfig/fanatico.pc"
mv "$all/include" "$to/libfanatico-dev/usr/include"
rest=$(find "$to/all" ! -type d)
[ -z "$rest" ] || { printf 'deb.sh: in no package: %s\n' "$rest" >&2; exit 1; }
rm -r "$to/all"
strip --strip-unneeded --remove-section=.comment "$to/fanatico/usr/bin/fanatico" "$to"/libfanatico0/usr/lib/*/libfanatico.so.*.*
strip --strip-debug "$to"/libfanatico-dev/usr/lib/*/libfanatico.a

# What each needs is read from its binaries.
cat >"$to/debian/control" <<END
Source: fanatico
Maintainer: $maintainer

Package: fanatico
Architecture: any
END
needs() { (cd "$to" && dpkg-shlibdeps -O --ignore-missing-info "$@" 2>shlibdeps.log | sed 's/^shlibs:Depends=//'); }

# control PACKAGE SECTION DEPENDS DESCRIPTION-LINES
control() {
    local folder=$to/$1
    install -Dm644 packaging/copyright "$folder/usr/share/doc/$1/copyright"
    printf 'fanatico (%s) unstable; urgency=medium\n\n  * What changed: CHANGELOG.md of version %s.\n\n -- %s  %s\n' "$version" "$upstream" "$maintainer" \
        "$(date -Ru -d "@$epoch")" | gzip -9n >"$folder/usr/share/doc/$1/changelog.Debian.gz"
    mkdir -p "$folder/DEBIAN"
    (cd "$folder" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    {
        printf 'Package: %s\nSource: fanatico\nVersion: %s\nArchitecture: %s\nMaintainer: %s\n' "$1" "$version" "$arch" "$maintainer"
        printf 'Installed-Size: %s\n' "$(du -sk --exclude=DEBIAN "$folder" | cut -f1)"
        [ -z "$3" ] || printf 'Depends: %s\n' "$3"
        printf 'Section: %s\nPriority: optional\n' "$2"
        [ "$1" != libfanatico0 ] || printf 'Multi-Arch: same\n'
        printf 'Description: %s\n' "$4"
    } >"$folder/DEBIAN/control"
}
control fanatico net "$(needs fanatico/usr/bin/fanatico)" "Ethereum node for real-time events
 An Ethereum node in C whose speciality is real-time events: HTTP JSON-RPC,
 WebSocket subscriptions that lose, reorder and delay nothing, one chain state
 behind both. As a development chain (fanatico dev) or as a durable one
 (fanatico node, the service of this package)."
control libfanatico0 libs "$(needs -e"$(cd "$to" && echo libfanatico0/usr/lib/*/libfanatico.so.*.*)")" "server for the subscribers of an Ethereum node
 The WebSocket and HTTP JSON-RPC server of Fanatico for programs that have a
 chain of their own and tell it by hooks."
control libfanatico-dev libdevel "libfanatico0 (= $version), libsecp256k1-dev, libssl-dev, zlib1g-dev" "server for the subscribers of an Ethereum node (development)
 Headers, the static library and the pkg-config file of libfanatico."

# The service: registered, started where a genesis is there, stopped and forgotten.
printf '/etc/fanatico/fanatico.toml\n' >"$to/fanatico/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m755 "packaging/$script" "$to/fanatico/DEBIAN/$script"; done
printf 'activate-noawait ldconfig\n' >"$to/libfanatico0/DEBIAN/triggers"
printf 'libfanatico 0 libfanatico0 (>= %s)\n' "$upstream" >"$to/libfanatico0/DEBIAN/shlibs"

for package in fanatico libfanatico0 libfanatico-dev; do
    find "$to/$package" -exec touch -hd "@$epoch" {} +
    dpkg-deb --root-owner-group --build "$to/$package" "$to" >/dev/null
    rm -r "${to:?}/$package"
done
rm -r "$to/debian"
ls -1 "$to"/*.deb
