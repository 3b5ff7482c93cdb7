// bf16 blocks for CPUs with AVX-512 BF16 and no tiles.

#include <immintrin.h>

#include <cstdint>

#include "kernels/matmul/bf16_block.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/bf16_activations.inc"
#include "kernels/matmul/bf16_dot.inc"
#include "kernels/matmul/bf16_rows.inc"

void begin(int) noexcept {}
void end() noexcept {}

void settle(Bf16Sums&) noexcept {}

void block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums&) noexcept {
  // Both use the same units: nothing is won by mixing them.
  if (pending != nullptr) finish(*pending, kBf16BlockRows);
  dot_block(task);
}

}  // namespace

extern const Bf16Kernels kBf16Kernels_avx512_bf16;
constinit const Bf16Kernels kBf16Kernels_avx512_bf16 = {
    base::Isa::avx512_bf16, true, begin, end, block, settle, finish, gather, nullptr};

}  // namespace wherry::kernels
