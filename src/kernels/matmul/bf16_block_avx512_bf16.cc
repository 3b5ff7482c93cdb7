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

/// Bias, residual, clamp and rounding of whole rows while their sums are in registers.
template <Bf16Finish::Residual kResidual>
void finished_block(const Bf16BlockTask& task, const Bf16Finish& own) noexcept {
  dot_runs<2>(task, [&](int first) {
    Bf16Finish from = own;
    from.next = first;
    if (!own.clamp_high) from.high = __builtin_inff();
    return Rows<kResidual, true, true, true, false>(from);
  });
}

void block(const Bf16BlockTask& task, Bf16Finish* own, Bf16Sums&) noexcept {
  using enum Bf16Finish::Residual;
  if (own != nullptr && own->y_is_bf16 && own->columns == kBf16BlockColumns && own->activation == Activation::none) {
    if (own->residual_kind == none) return finished_block<none>(task, *own);
    if (own->residual_kind == bf16) return finished_block<bf16>(task, *own);
  }
  dot_block(task);
  if (own != nullptr) finish(*own, kBf16BlockRows);
}

}  // namespace

extern const Bf16Kernels kBf16Kernels_avx512_bf16;
constinit const Bf16Kernels kBf16Kernels_avx512_bf16 = {.isa = base::Isa::avx512_bf16,
                                                        .rows_anywhere = true,
                                                        .finishes_itself = true,
                                                        .begin = begin,
                                                        .end = end,
                                                        .block = block,
                                                        .settle = settle,
                                                        .finish = finish,
                                                        .gather = gather};

}  // namespace wherry::kernels
