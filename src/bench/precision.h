#pragma once
// What bf16 costs a model in accuracy, layer by layer, and which layers to leave in fp32 for a bound.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/agreement.h"
#include "bench/latency.h"
#include "wherry/model.h"

namespace wherry::bench {

/// All layers of one module, in the order of the model. Errors are those of bf16 against fp32.
struct LayerPrecision {
  std::string module;
  std::string op;
  std::size_t count = 0;  ///< its products
  bool bf16 = false;      ///< multiplies bf16 in the end
  Agreement whole;        ///< of its output, with all layers before it in bf16 too
  double alone = -1;      ///< largest error of the model's output, of its largest value, with only this module in bf16
};

struct PrecisionComparison {
  std::vector<LayerPrecision> layers;
  Agreement all;                       ///< of the model's output with every layer in bf16
  Agreement chosen;                    ///< with `keep_fp32` in fp32; `all` where that is empty
  std::vector<std::string> keep_fp32;  ///< modules, the worst first
};

struct PrecisionSettings {
  bool alone = false;     ///< measure each module alone: a model is loaded for each
  double max_error = -1;  ///< bound of the output's largest error by its largest value; below 0 for none
};

/// `on_progress` (may be empty) hears what is done, and of how much. Throws InvalidInput where this machine multiplies
/// no bf16, or no choice of layers keeps the bound.
PrecisionComparison compare_precision(const Load& load, const Options& options, std::span<const Tensor> inputs,
                                      const PrecisionSettings& settings,
                                      const std::function<void(std::string_view stage, double done)>& on_progress = {});

}  // namespace wherry::bench
