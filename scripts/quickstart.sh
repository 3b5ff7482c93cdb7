#!/bin/sh
# From a fresh Debian 12 to an answer: installs packages, builds a release, fetches a model and a photo, classifies it.
# A second run skips what is done and starts in seconds.
set -eu
cd "$(dirname "$0")/.."

step() { printf '%s\n' "==> $*" >&2; }

# Runs a command that has much to say: to the terminal if there is one, else to a log that is shown on failure.
quietly() {
  log=$1
  shift
  if [ -t 2 ] && [ "$log" = build/quickstart-build.log ]; then
    "$@" >&2
  elif ! "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "quickstart: failed: $* (all of it in $log)" >&2
    exit 1
  fi
}

step "Packages"
scripts/install_dependencies.sh build

mkdir -p build
step "Configuring"
quietly build/quickstart-configure.log cmake --preset release
step "Building build/release/wherry (minutes the first time)"
NINJA_STATUS="    [%f/%t, %e s] " quietly build/quickstart-build.log cmake --build --preset release --target wherry_program

step "Model and photo"
python3 scripts/fetch_models.py

# --resize 224: the whole width of the portrait. The standard 256 cuts the uniform away, and the tie comes first.
set -- classify-image build/models/mobilenet_v2.pth build/models/grace_hopper.jpg --arch mobilenet_v2 --resize 224
step "build/release/wherry $*"
exec build/release/wherry "$@"
