#!/bin/sh
# Builds a release and runs all tests. Arguments go to ctest: scripts/test.sh -R vision
set -eu
cd "$(dirname "$0")/.."

scripts/install_dependencies.sh build
cmake --preset release -DWHERRY_TESTS=ON >/dev/null
cmake --build --preset release
# Tests with real weights skip, and say so, where these are missing.
python3 scripts/fetch_models.py || echo "test: going on without the models" >&2
exec ctest --test-dir build/release --output-on-failure --parallel "$(nproc)" "$@"
