#pragma once
// Where the time of an inference goes, step by step, beside what an inference takes that nobody looks into.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "bench/latency.h"
#include "wherry/model.h"
#include "wherry/profile.h"

namespace wherry::bench {

/// A sink that keeps everything; as Options::sink, all but inferences. Safe to use from several threads.
class SpanLog : public ProfileSink {
 public:
  void take(std::span<const Span> spans) override;
  bool takes_runs() const override { return false; }
  /// What came since the last call.
  std::vector<Span> drain();

 private:
  std::mutex mutex_;
  std::vector<Span> spans_;
};

/// Steps that do the same: one op, kernel and shape.
struct StepKind {
  StepInfo step;  ///< the first of them
  std::size_t count = 0;
  double ms = 0;                  ///< of all of them
  std::int64_t flops = 0;         ///< likewise, in all their runs
  std::int64_t weight_bytes = 0;  ///< that they have
  std::int64_t moved_bytes = 0;   ///< weights, inputs and outputs, in all their runs

  double gflops_per_second() const { return ms > 0 ? static_cast<double>(flops) / (1e6 * ms) : 0; }
  /// At which weights, inputs and outputs went by, were each read or written once.
  double gb_per_second() const { return ms > 0 ? static_cast<double>(moved_bytes) / (1e6 * ms) : 0; }
};

/// Bytes that a step has to read or write, each once: weights, inputs and outputs.
std::int64_t moved_bytes(const StepInfo& step);

/// What ran before the inferences: "load", "import", "passes", "plan", "pack", "warm-up".
struct Phase {
  std::string name;
  std::string detail;  ///< of packing: the weight
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
};

struct Profile {
  std::vector<StepInfo> steps;
  std::vector<double> step_ms;  ///< median of each step's times: from its begin to the next one's, waiting included
  double inference_ms = 0;   ///< median of inferences that nobody looks into, in turns with those that are looked into
  double profiled_ms = 0;    ///< median of those, seen from outside as well
  double steps_of_wall = 0;  ///< sum of the steps of one of those by its own time from outside: the median
  std::size_t rounds = 0;    ///< inferences of either kind
  std::vector<Phase> phases;
  /// Inferences one after another, each its run and then every thread's steps, as ProfileSink has them.
  std::vector<std::vector<Span>> iterations;

  /// Sum of step_ms.
  double steps_ms() const;
  /// What looking into an inference costs, as a share of it; below 0 by noise.
  double overhead() const { return inference_ms > 0 ? profiled_ms / inference_ms - 1 : 0; }
  /// Slowest first.
  std::vector<StepKind> kinds() const;
};

/// How long thread 0 was in each of `steps` steps of an inference, from each one's begin to the next one's; of slices,
/// all threads' time divided by their number.
std::vector<double> step_ms(std::span<const Span> iteration, std::size_t steps);

struct ProfileOptions {
  int warm_ups = 10;
  int iterations = 3;  ///< kept span by span
  Extent extent = {};  ///< of the turns that the medians come from
};

/// Runs the model: warm-ups, then the iterations that are kept, then turns. What `log` (may be null) took before
/// becomes the phases. `on_tick` (may be empty) is called between turns.
Profile profile(const Model& model, std::span<const Tensor> inputs, const ProfileOptions& options,
                SpanLog* log = nullptr, const std::function<void(const Tick&)>& on_tick = {});

}  // namespace wherry::bench
