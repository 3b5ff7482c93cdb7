#pragma once
// Whether the answers are right: held against wherry's own scalar kernels in fp32, which are written to be obvious and
// are themselves held against PyTorch by the tests.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/agreement.h"
#include "bench/latency.h"

namespace wherry::bench {

/// What must hold for an answer to be called correct; torchbench's two.
enum class Rule { all_close, cosine };

/// allclose, or the cosine where the user prefers it or bf16 runs: a bf16 number has three digits, so no two roundings
/// of one are within 1e-4.
Rule rule_for(std::string_view precision, bool prefer_cosine);
/// "allclose, atol 0.0001, rtol 0.0001" or "cosine similarity of 0.99 or more"
std::string describe(Rule rule, const Tolerance& tolerance);

struct Correctness {
  bool passed = false;
  Agreement agreement;
  std::int64_t images = 0;  ///< of the batch that were compared
};

struct CheckSettings {
  Rule rule = Rule::all_close;
  Tolerance tolerance;
  /// The scalar kernels are slow: no more images of a batch than this, each run alone.
  std::int64_t most_images = 4;
};

/// Loads the model anew with the scalar kernels in fp32 and runs it on images 0, 1, … of `inputs`, or on the whole
/// batch where inputs or outputs are not divided by their first dimension. Every round of `rounds` (outputs for the
/// same inputs) must pass. `on_image` (may be empty) hears of each image, and how many there are, before it is run.
Correctness check(const Load& load, const Options& options, std::span<const Tensor> inputs,
                  std::span<const std::vector<Tensor>> rounds, const CheckSettings& settings,
                  const std::function<void(std::int64_t image, std::int64_t count)>& on_image = {});

}  // namespace wherry::bench
