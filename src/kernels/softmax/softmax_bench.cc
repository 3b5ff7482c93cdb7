// softmax of attention scores and of logits.

#include <utility>

#include "kernels/elementwise/bench_report.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax/softmax_kernels.h"

namespace wherry::kernels {
namespace {

void run_cases(base::Isa isa) {
  for (const bool log : {false, true})
    for (const auto& [rows, columns] :
         {std::pair{4096, 49}, std::pair{2364, 197}, std::pair{1536, 128}, std::pair{64, 1000}, std::pair{8, 50265}}) {
      SoftmaxShape s;
      s.outer_sizes = {rows};
      s.x_outer_strides = s.y_outer_strides = {columns};
      s.columns = columns;
      s.log = log;
      bench::Floats x(rows * columns), y(rows * columns);
      for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i * 37 % 101) * 0.1f;
      const auto softmax = make_softmax(s, isa);
      bench::report(
          fmt::format("{:<12} {:<8} {} x {}", log ? "log_softmax" : "softmax", base::name_of(isa), rows, columns),
          8 * x.size(), [&] { softmax->run(x.data(), y.data(), 0, softmax->items()); });
    }
}

}  // namespace
}  // namespace wherry::kernels

int main() {
#define WHERRY_SOFTMAX_KERNELS(set, table) \
  if (wherry::base::runs_here(wherry::base::Isa::set)) wherry::kernels::run_cases(wherry::base::Isa::set);
#include "kernels/softmax/kernels.inc"
#undef WHERRY_SOFTMAX_KERNELS
}
