#!/bin/sh
# Runs a program for AArch64 in an emulator, on a CPU like Graviton3's: SVE of 256 bits, BF16, I8MM. QEMU_CPU names another.
#   scripts/emulate_arm64.sh build/arm64/wherry --version
#   QEMU_CPU=cortex-a72 scripts/emulate_arm64.sh build/arm64/src/kernels/matmul_test
set -eu
export QEMU_CPU="${QEMU_CPU:-max,sve-max-vq=2}"
exec qemu-aarch64 "$@"
