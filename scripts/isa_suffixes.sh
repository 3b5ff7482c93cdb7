#!/usr/bin/env bash
# Prints how the names of sources for one instruction set end, as an extended regular expression: avx2|avx512|…
# cmake/layers.cmake has the list.
set -euo pipefail
cd "$(dirname "$0")/.."
sed -n 's/.*source MATCHES "_(\(.*\))\\\\.cc.*/\1/p' cmake/layers.cmake | grep .
