#!/usr/bin/env bash
# Builds every fuzzer with libFuzzer and the sanitizers, and runs each from its seed corpus.
#   scripts/fuzz.sh [SECONDS] [NAME...]      default 30 s, every fuzzer of fuzz/CMakeLists.txt
# A finding is left in build/fuzz/findings/; replay it with build/dev/fuzz/fuzz_NAME FILE.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
shift || true
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(sed -n 's/^ *wherry_fuzzer(\([a-z_0-9]*\).*/\1/p' fuzz/CMakeLists.txt)
cmake --preset dev >/dev/null
cmake --build --preset dev --target "${names[@]/#/fuzz_}" -- --quiet
mkdir -p build/fuzz/findings
run_one() {
  local name=$1
  mkdir -p "build/fuzz/corpus/$name"
  if "build/dev/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/findings/$name-" "build/fuzz/corpus/$name" "fuzz/corpus/$name" >"build/fuzz/$name.log" 2>&1; then
    echo "fuzz $name: $(sed -n 's/stat::number_of_executed_units: *//p' "build/fuzz/$name.log") runs, no finding"
  else
    tail -n 60 "build/fuzz/$name.log"
    echo "fuzz $name: a finding, see build/fuzz/findings/" >&2
    return 1
  fi
}
export -f run_one
export seconds
printf '%s\0' "${names[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'run_one "$0"'
