#!/bin/sh
# Installs the Debian 12 packages that wherry needs; does nothing, and needs no root, where they are there already.
#   scripts/install_dependencies.sh [build|ci|compare|browser|arm64]
# build (default): to build, test and fetch; the others also: ci: the checks' tools; compare: the peers of
# benchmarks/compare; browser: one to look at profiles with; arm64: to build for AArch64 on another machine and
# to test in QEMU.
set -eu

build_packages="cmake ninja-build g++ ccache pkg-config
  libfmt-dev libcli11-dev nlohmann-json3-dev libhwy-dev libminizip-dev zlib1g-dev libjpeg62-turbo-dev libpng-dev libcairo2-dev
  libgtest-dev libgmock-dev libbenchmark-dev python3 python3-pip ca-certificates cargo-web"
ci_packages="git clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19 binutils dpkg-dev file"
browser_packages="python3-venv chromium chromium-driver openssl"
compare_packages="python3-venv python3-dev python3-torch libopenblas0-pthread"
arm64_packages="g++-12-aarch64-linux-gnu qemu-user dpkg-dev file libstd-rust-web-dev:arm64
  libfmt-dev:arm64 libhwy-dev:arm64 libminizip-dev:arm64 zlib1g-dev:arm64 libjpeg62-turbo-dev:arm64 libpng-dev:arm64
  libcairo2-dev:arm64 libgtest-dev:arm64 libgmock-dev:arm64"

case "${1:-build}" in
  build) packages="$build_packages" ;;
  ci) packages="$build_packages $ci_packages" ;;
  compare) packages="$build_packages $compare_packages" ;;
  browser) packages="$build_packages $browser_packages" ;;
  arm64) packages="$build_packages $arm64_packages" ;;
  *) echo "install_dependencies: '$1' is not build, ci, compare, browser or arm64" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "install_dependencies: this is not Debian; please install the like of:" $packages >&2
  exit 1
fi

# NAME, of this machine's architecture or of none, or NAME:ARCHITECTURE. A name alone lists those of every architecture.
installed() {
  case "$1" in
    *:*) architecture=${1#*:} ;;
    *) architecture=$(dpkg --print-architecture) ;;
  esac
  dpkg-query -W -f='${db:Status-Status} ${Architecture}\n' "$1" 2>/dev/null | grep -qxE "installed (all|$architecture)"
}

missing=""
for package in $packages; do
  installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_dependencies: needs root or sudo to install:$missing" >&2
    exit 1
  fi
  root="sudo"
fi

case "$missing" in
  *:arm64*) $root dpkg --add-architecture arm64 ;;
esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "  installing:$missing" >&2
if ! { $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "install_dependencies: apt-get failed" >&2
  exit 1
fi
