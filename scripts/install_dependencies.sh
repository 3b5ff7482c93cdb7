#!/bin/sh
# Installs the Debian 12 packages that wherry needs; does nothing, and needs no root, where they are there already.
#   scripts/install_dependencies.sh [build|ci|compare]     build (default): to build, test and fetch; ci: also the checks'
#                                                          tools; compare: also the peers of benchmarks/compare
set -eu

build_packages="cmake ninja-build g++ ccache pkg-config
  libfmt-dev libcli11-dev nlohmann-json3-dev libhwy-dev libminizip-dev zlib1g-dev libjpeg62-turbo-dev libpng-dev
  libgtest-dev libgmock-dev libbenchmark-dev python3 python3-pip ca-certificates"
ci_packages="git clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19 binutils"
compare_packages="python3-venv python3-dev python3-torch libopenblas0-pthread"

case "${1:-build}" in
  build) packages="$build_packages" ;;
  ci) packages="$build_packages $ci_packages" ;;
  compare) packages="$build_packages $compare_packages" ;;
  *) echo "install_dependencies: '$1' is not build, ci or compare" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "install_dependencies: this is not Debian; please install the like of:" $packages >&2
  exit 1
fi

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
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

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "  installing:$missing" >&2
if ! { $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "install_dependencies: apt-get failed" >&2
  exit 1
fi
