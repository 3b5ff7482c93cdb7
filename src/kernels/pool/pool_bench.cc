// The poolings of image classifiers.

#include "kernels/elementwise/bench_report.h"
#include "kernels/pool/pool.h"
#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

void run_case(const char* name, PoolShape s, base::Isa isa) {
  s.x_column_stride = s.y_column_stride = s.channels;
  s.x_row_stride = s.channels * s.in_width;
  s.y_row_stride = s.channels * s.out_width;
  const std::int64_t in = s.in_height * s.x_row_stride, out = s.out_height * s.y_row_stride;
  bench::Floats x(in), y(out);
  if (base::has_bf16(isa)) s.dtype = DType::bf16;
  const auto pool = make_pool(s, isa);
  bench::report(fmt::format("{:<40} {}", name, base::name_of(isa)),
                static_cast<std::int64_t>(size_of(s.dtype)) * (in + out),
                [&] { pool->run(x.data(), y.data(), 0, pool->items()); });
}

void run_cases(base::Isa isa) {
  PoolShape stem;
  stem.channels = 64;
  stem.in_height = stem.in_width = 112;
  stem.out_height = stem.out_width = 56;
  stem.kernel_h = stem.kernel_w = 3;
  stem.stride_h = stem.stride_w = 2;
  stem.pad_top = stem.pad_bottom = stem.pad_left = stem.pad_right = 1;
  run_case("max 3x3 / 2, 112 x 112 x 64 (ResNet)", stem, isa);
  PoolShape vgg = stem;
  vgg.in_height = vgg.in_width = 224;
  vgg.out_height = vgg.out_width = 112;
  vgg.kernel_h = vgg.kernel_w = 2;
  vgg.pad_top = vgg.pad_bottom = vgg.pad_left = vgg.pad_right = 0;
  run_case("max 2x2 / 2, 224 x 224 x 64 (VGG)", vgg, isa);
  PoolShape inception = stem;
  inception.mode = PoolMode::average;
  inception.channels = 192;
  inception.in_height = inception.in_width = inception.out_height = inception.out_width = 35;
  inception.stride_h = inception.stride_w = 1;
  run_case("average 3x3, 35 x 35 x 192 (Inception)", inception, isa);
  PoolShape global;
  global.mode = PoolMode::average;
  global.adaptive = true;
  global.channels = 2048;
  global.in_height = global.in_width = 7;
  global.out_height = global.out_width = 1;
  run_case("global average, 7 x 7 x 2048 (ResNet)", global, isa);
}

}  // namespace
}  // namespace wherry::kernels

int main() {
#define WHERRY_POOL_KERNELS(set, table) \
  if (wherry::base::runs_here(wherry::base::Isa::set)) wherry::kernels::run_cases(wherry::base::Isa::set);
#include "kernels/pool/kernels.inc"
#undef WHERRY_POOL_KERNELS
#define WHERRY_BF16_POOL_KERNELS(set, table) \
  if (wherry::base::runs_here(wherry::base::Isa::set)) wherry::kernels::run_cases(wherry::base::Isa::set);
#include "kernels/pool/bf16_kernels.inc"
#undef WHERRY_BF16_POOL_KERNELS
}
