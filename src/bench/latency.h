#pragma once
// How long a model takes: once from a cold start, and many times when warm.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "wherry/model.h"

namespace wherry::bench {

/// Makes the model afresh, with these options.
using Load = std::function<Model(const Options&)>;
/// What to feed the model, once it has been loaded.
using ChooseInputs = std::function<std::vector<Tensor>(const Model&)>;

/// A model that has given its first answer.
struct Started {
  Model model;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  double cold_start_ms = 0;  ///< loading, planning, packing and the first run; not the choice of inputs
};

Started start(const Load& load, const Options& options, const ChooseInputs& choose_inputs);

/// When to stop: not before there are this many iterations *and* this many seconds.
struct Extent {
  std::size_t iterations = 10;
  double seconds = 1;
};

/// The state of affairs after an iteration.
struct Tick {
  std::size_t iterations = 0;  ///< so far
  double seconds = 0;          ///< so far, with what `on_tick` took
};

struct Latency {
  std::vector<double> samples_ms;  ///< one an iteration, in their order
  std::vector<Tensor> outputs;     ///< of the last one

  /// Linear between the two nearest samples, as NumPy's percentile; 50 is the median.
  double percentile(double percent) const;
  double least() const;
  double total_seconds() const;
};

constexpr int kWarmUps = 3;  // torchbench's

/// kWarmUps runs that do not count, then iterations, each timed alone. `on_tick` (may be empty) is called between them.
Latency measure(const Model& model, std::span<const Tensor> inputs, const Extent& extent,
                const std::function<void(const Tick&)>& on_tick = {});

/// The share of `extent` that is done, 0 to 1.
double done(const Tick& tick, const Extent& extent);

}  // namespace wherry::bench
