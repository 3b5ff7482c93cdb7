#!/usr/bin/env bash
# Checks (or with --fix applies) clang-format 19 on every C++ file of the repo.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run -Werror)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files -z '*.h' '*.cc' | xargs -0 clang-format-19 "${mode[@]}"
echo "format: $(git ls-files '*.h' '*.cc' | wc -l) files"
