// Attention of encoders: rows and keys of one length, heads of a fused QKV product.

#include <cmath>
#include <cstring>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/elementwise/bench_report.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

void run_cases(base::Isa isa, DType dtype) {
  for (const std::int64_t length : {8, 32, 128, 384, 512})
    for (const std::int64_t depth : {32, 64}) {
      const std::int64_t heads = 768 / depth;
      AttentionShape shape;
      shape.outer_sizes = {heads};
      shape.rows = shape.keys = length;
      shape.depth = shape.columns = depth;
      shape.dtype = shape.y_dtype = dtype;
      shape.scale = 1 / std::sqrt(static_cast<float>(depth));
      shape.masked = true;
      shape.q_row_stride = shape.k_row_stride = shape.v_row_stride = 3 * heads * depth;
      shape.y_row_stride = heads * depth;
      shape.q_outer_strides = shape.k_outer_strides = shape.v_outer_strides = shape.y_outer_strides = {depth};
      shape.mask_outer_strides = {0};
      const std::vector<float> x = testing::fractions(length * 3 * heads * depth, 1);
      const std::vector<std::uint16_t> bf16 = testing::to_bf16(x);
      const std::vector<float> mask(static_cast<std::size_t>(length), 0.0f);
      const void* qkv = dtype == DType::bf16 ? static_cast<const void*>(bf16.data()) : x.data();
      const auto part = [&](std::int64_t i) {
        return static_cast<const std::byte*>(qkv) + i * heads * depth * static_cast<std::int64_t>(size_of(dtype));
      };
      bench::Floats y(length * heads * depth);
      const AttentionArguments arguments{part(0), part(1), part(2), mask.data(), y.data()};
      const auto attention = make_attention(shape, isa);
      base::AlignedBuffer scratch(attention->scratch_bytes());
      // GB/s of Q, K, V and Y.
      bench::report(fmt::format("{:<24} {:>3} x {} x {}", attention->name(), length, heads, depth),
                    4 * length * heads * depth * static_cast<std::int64_t>(size_of(dtype)),
                    [&] { attention->run(arguments, 0, attention->items(), scratch.data()); });
    }
}

}  // namespace
}  // namespace wherry::kernels

int main() {
  using wherry::DType;
#define WHERRY_ATTENTION_KERNELS(set, dtype, table)                                  \
  if (wherry::base::runs_here(wherry::base::Isa::set) && DType::dtype == DType::f32) \
    wherry::kernels::run_cases(wherry::base::Isa::set, DType::f32);
#include "kernels/attention/kernels.inc"
#undef WHERRY_ATTENTION_KERNELS
  for (const wherry::base::Isa isa : wherry::kernels::testing::bf16_isas())
    wherry::kernels::run_cases(isa, DType::bf16);
}
