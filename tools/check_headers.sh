#!/usr/bin/env bash
# Each header compiles alone, under gcc and (where it is there) clang, without a warning.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
flags=(-std=c17 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -D_GNU_SOURCE -Isrc -Iinclude -x c)
read -ra llhttp <<<"-isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1"
count=0 broken=0
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || { echo "no $compiler here: its half is left out"; continue; }
    while read -r header; do
        count=$((count + 1))
        # through standard input, so that a header is no main file (and may hold unused static functions)
        printf '#include "%s"\n' "$PWD/$header" | "$compiler" "${flags[@]}" "${llhttp[@]}" - || { echo "$header: does not compile alone with $compiler"; broken=$((broken + 1)); }
    done < <(find src include -name '*.h' | sort)
done
echo "$count headers compiled, $broken broken"
[ "$broken" -eq 0 ]
