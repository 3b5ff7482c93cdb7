#!/usr/bin/env bash
# Runs clang-tidy 19 with the allow-list of .clang-tidy over src/.
#   scripts/check_tidy.sh [BUILD_DIR] [FILE...]     default build/dev, every .cc below src/ that it compiles and that is not
#                                                   for one instruction set
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/dev}
shift || true
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  sets=$(scripts/isa_suffixes.sh)
  mapfile -t files < <(sed -n "s|^ *\"file\": \".*/\(src/.*\.cc\)\",*\$|\1|p" "$build/compile_commands.json" | sort -u |
                       grep -vE "_(test|bench|$sets)\.cc\$")
  [ ${#files[@]} -gt 0 ] || { echo "tidy: $build compiles nothing below src/; build it first" >&2; exit 1; }
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-19 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option 2>/dev/null
echo "tidy: ${#files[@]} files"
