#!/usr/bin/env bash
# Makes the Debian package and the tarball of a build folder and checks both: their files, what the package depends on, and
# that the programs in them start and read a model.
#   scripts/test_packages.sh [BUILD_DIR]     default build/release
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fail() { echo "test_packages: $1" >&2; exit 1; }

(cd "$build" && cpack -B "$out/packages") >"$out/log" 2>&1 || { cat "$out/log" >&2; fail "cpack failed"; }
deb=$(echo "$out"/packages/*.deb)
tarball=$(echo "$out"/packages/*.tar.gz)
dpkg-deb -x "$deb" "$out/deb"
mkdir "$out/tar"
tar -xzf "$tarball" -C "$out/tar" --strip-components=1

architecture=$(dpkg-deb -f "$deb" Architecture)
emulator=""
[ "$architecture" != arm64 ] || [ "$(uname -m)" = aarch64 ] || emulator=scripts/emulate_arm64.sh
for library in libc6 libcairo2 libfmt9 libjpeg62-turbo libminizip1 libpng16-16 libstdc++6 zlib1g; do
  dpkg-deb -f "$deb" Depends | grep -qE "(^| )${library//+/[+]}( |,|$)" || fail "$(basename "$deb") does not depend on $library"
done
for root in "$out/deb/usr" "$out/tar"; do
  for file in LICENSE NOTICE README.md copyright docs/models.md; do
    [ -s "$root/share/doc/wherry/$file" ] || fail "no share/doc/wherry/$file in a package"
  done
  $emulator "$root/bin/wherry" --version
  $emulator "$root/bin/wherry" inspect tests/engine/data/small_cnn.pt --input 1x3x20x18 >"$out/steps"
  grep -q '^ *0 ' "$out/steps" || { cat "$out/steps" >&2; fail "wherry inspect lists no steps"; }
done
echo "packages: $(basename "$deb") and $(basename "$tarball"), both run"
