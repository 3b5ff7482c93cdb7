#pragma once
// Where the time of an inference goes, step by step, beside what an inference takes that nobody looks into.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "bench/latency.h"
#include "wherry/model.h"

namespace wherry::bench {

/// Steps that do the same: one op, kernel and shape.
struct StepKind {
  StepInfo step;  ///< the first of them
  std::size_t count = 0;
  double ms = 0;           ///< of all of them
  std::int64_t flops = 0;  ///< likewise
  std::int64_t weight_bytes = 0;

  double gflops_per_second() const { return ms > 0 ? static_cast<double>(flops) / (1e6 * ms) : 0; }
  /// At which weights were read, were each read once.
  double weight_gb_per_second() const { return ms > 0 ? static_cast<double>(weight_bytes) / (1e6 * ms) : 0; }
};

struct Profile {
  std::vector<StepInfo> steps;
  std::vector<double> step_ms;  ///< median of each step's times, all threads meeting after each step
  double inference_ms = 0;      ///< median of inferences without those meetings, measured in turns with the others
  std::size_t rounds = 0;       ///< inferences of either kind

  /// Sum of step_ms.
  double steps_ms() const;
  /// Slowest first.
  std::vector<StepKind> kinds() const;
};

/// Inferences that time their steps and inferences that do not, in turns until `extent` is reached; the first of both
/// is a warm-up. `on_tick` (may be empty) is called after each round.
Profile profile(const Model& model, std::span<const Tensor> inputs, const Extent& extent,
                const std::function<void(const Tick&)>& on_tick = {});

}  // namespace wherry::bench
