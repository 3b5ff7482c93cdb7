#!/usr/bin/env bash
# Builds for AArch64 on another machine and tests in QEMU, on CPUs with and without SVE and BF16: kernels at each vector length,
# small models through the library, real ones through the program.
#   scripts/test_arm64.sh                  on every CPU of the list below
#   scripts/test_arm64.sh cortex-a72       on these, as QEMU names them (qemu-aarch64 -cpu help)
set -euo pipefail
cd "$(dirname "$0")/.."

# SVE of 256 bits and BF16; neither; SVE of 128 and of 512 bits; SVE alone; BF16 alone.
cpus=(max,sve-max-vq=2 cortex-a72 max,sve-max-vq=1 max,sve-max-vq=4 a64fx max,sve=off)
[ $# = 0 ] || cpus=("$@")

scripts/install_dependencies.sh arm64
cmake --preset arm64 >/dev/null
cmake --build --preset arm64 --target base_test kernels_tests engine_test wherry_program -- --quiet
scripts/check_isa_hygiene.sh build/arm64

# Left out are the scalar kernels, which x86 tests, and what takes minutes in an emulator to show again what a smaller case shows.
slow='*SeveralChunksOfKeys*:*SeveralTextsInARow*:*LayersOfNetworks*:*ManyThreads*:*ManyChannelsAndThreads*'

test_on() {  # CPU TESTS KERNELS_LEFT_OUT
  printf -- '--- %s\n' "$1"
  QEMU_CPU=$1 GTEST_FILTER="-*scalar*:$slow${3:+:$3}" ctest --test-dir build/arm64 --output-on-failure --no-tests=error \
    --parallel "$(nproc)" -R "^($2)\$"
  QEMU_CPU=$1 GTEST_FILTER='*EveryKind*' ctest --test-dir build/arm64 --output-on-failure --no-tests=error -R '^engine.engine_test$'
}

failed() { printf 'test_arm64: %s\n' "$1" >&2; exit 1; }

# Real models give the answers that they give on x86.
answers_on() {  # CPU ISA
  local precision=fp32 answer
  case $2 in *_bf16) precision=bf16 ;; esac
  wherry() { QEMU_CPU=$1 WHERRY_FORCE_ISA=$2 scripts/emulate_arm64.sh build/arm64/wherry "${@:3}" --precision $precision --threads 1; }
  if [ -f build/models/mobilenet_v2.pth ] && [ -f build/models/grace_hopper.jpg ]; then
    answer=$(wherry "$1" "$2" classify-image build/models/mobilenet_v2.pth --arch mobilenet_v2 --resize 224 build/models/grace_hopper.jpg)
    grep -qE ' 41\.[0-9]+%.*military uniform' <<<"$answer" || failed "MobileNetV2 with $2 on $1 answers: $answer"
  else
    echo "SKIPPED: no build/models; run scripts/fetch_models.py" >&2
  fi
  if [ -d ../shared/models/distilbert-sst2 ]; then
    answer=$(wherry "$1" "$2" classify-text ../shared/models/distilbert-sst2 "a gripping, funny and moving film")
    grep -qE ' 99\.[0-9]+%.*POSITIVE' <<<"$answer" || failed "DistilBERT with $2 on $1 answers: $answer"
  else
    echo "SKIPPED: no ../shared/models/distilbert-sst2" >&2
  fi
  echo "MobileNetV2 and DistilBERT with $2 on $1: the answers of x86"
}

for cpu in "${cpus[@]}"; do
  case $cpu in
    # The kernels of NEON do not depend on the length of SVE's vectors, and the gathering of windows is NEON's.
    max,sve-max-vq=[14])
      test_on "$cpu" 'base.base_test|kernels\..*' '*neon*:*ElementaryFunctions*:*Bf16ConvolutionOn.EveryFamily*'
      answers_on "$cpu" sve_bf16 ;;
    a64fx) test_on "$cpu" base.base_test ''; answers_on "$cpu" sve ;;
    max,sve=off) test_on "$cpu" base.base_test ''; answers_on "$cpu" neon_bf16 ;;
    cortex-a72) test_on "$cpu" 'base.base_test|kernels\..*' '*ElementaryFunctions*'; answers_on "$cpu" neon ;;
    *) test_on "$cpu" 'base.base_test|kernels\..*' ''; answers_on "$cpu" sve_bf16 ;;
  esac
done
