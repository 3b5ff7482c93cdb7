#!/usr/bin/env bash
# Runs clang-tidy 19 with the allow-list of .clang-tidy over src/.
#   scripts/check_tidy.sh [BUILD_DIR] [FILE...]     default build/release, every .cc below src/
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
shift || true
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cc' | grep -v -e '_test\.cc$' -e '_bench\.cc$' -e '_avx2\.cc$' -e '_avx512\.cc$' -e '_avx512_bf16\.cc$' -e '_amx\.cc$')
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-19 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option 2>/dev/null
echo "tidy: ${#files[@]} files"
