// The layer norms of ViT, Swin and ConvNeXt, and a group norm.

#include <utility>

#include "kernels/elementwise/bench_report.h"
#include "kernels/normalization/normalization.h"
#include "kernels/normalization/normalization_kernels.h"

namespace wherry::kernels {
namespace {

void run_cases(base::Isa isa) {
  for (const auto& [rows, columns] :
       {std::pair{3136, 96}, std::pair{784, 192}, std::pair{197, 768}, std::pair{128, 1024}}) {
    LayerNormShape s;
    s.outer_sizes = {rows};
    s.x_outer_strides = s.y_outer_strides = {columns};
    s.columns = columns;
    bench::Floats x(rows * columns), y(rows * columns), w(columns);
    for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i * 37 % 101) * 0.1f;
    const auto norm = make_layer_norm(s, isa);
    bench::report(fmt::format("layer_norm {:<8} {} x {}", base::name_of(isa), rows, columns), 8 * x.size(),
                  [&] { norm->run(x.data(), w.data(), w.data(), y.data(), 0, norm->items()); });
  }
  GroupNormShape g;
  g.channels = 256;
  g.positions = 3136;
  g.groups = 32;
  g.x_position_stride = g.y_position_stride = 256;
  bench::Floats x(256 * 3136), y(256 * 3136), w(256);
  const auto norm = make_group_norm(g, isa);
  bench::report(fmt::format("group_norm {:<8} 256 channels, 32 groups, 56 x 56", base::name_of(isa)), 8 * x.size(),
                [&] { norm->run(x.data(), w.data(), w.data(), y.data(), 0, norm->items()); });
}

}  // namespace
}  // namespace wherry::kernels

int main() {
#define WHERRY_NORMALIZATION_KERNELS(set, table) \
  if (wherry::base::runs_here(wherry::base::Isa::set)) wherry::kernels::run_cases(wherry::base::Isa::set);
#include "kernels/normalization/kernels.inc"
#undef WHERRY_NORMALIZATION_KERNELS
}
