#!/usr/bin/env bash
# Checks the objects that are compiled for one instruction set: no weak symbols (the linker could keep their copy of a
# function that every machine calls) and no static initialisers (they would run before the CPU is asked).
#   scripts/check_isa_hygiene.sh [BUILD_DIR]     default build/release; build/arm64 works on any machine
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
sets=$(scripts/isa_suffixes.sh)
objects=$(find "$build/src" -regextype posix-extended -regex ".*_($sets)\.cc\.o" | sort)
[ -n "$objects" ] || { echo "isa hygiene: no objects under $build/src; build first: cmake --preset release && cmake --build --preset release" >&2; exit 1; }
failed=0
for object in $objects; do
  weak=$(nm -C "$object" | grep -E ' [WVu] ' | grep -vE ' [Vu] (DW\.ref|guard variable)' || true)
  initialisers=$(nm "$object" | grep -E '_GLOBAL__sub_I|_ZL?[0-9]*__static_init' || true)
  if [ -n "$weak$initialisers" ]; then
    printf '%s\n%s\n' "$object: must hold neither weak symbols nor static initialisers:" "$weak$initialisers"
    failed=1
  fi
done
[ "$failed" = 0 ] && echo "isa hygiene: $(echo "$objects" | wc -l) objects, all clean"
exit "$failed"
