#pragma once
// Measuring which blocking of each convolution and matrix product is fastest on this machine, and keeping the answer.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wherry/model.h"

namespace wherry {

struct TuneOptions {
  /// About how long to measure; never less than a few rounds.
  double seconds = 20;
  /// Where choices go; empty for the file that Options::tuning, WHERRY_TUNING or the default names.
  std::string output;
  /// Told what is being done, and how much of it is, from 0 to 1. May be empty.
  std::function<void(std::string_view stage, double done)> progress;
};

/// A primitive with blockings to choose from, and what all steps of the plan that run it take in one inference.
struct TunedPrimitive {
  std::string op;
  std::string kernel;
  std::string shape;  ///< as StepInfo has it, of its first step
  std::string key;    ///< its name in the tuning file
  int steps = 0;
  int candidates = 0;
  double before_ms = 0;              ///< with the cost model's choice
  double after_ms = 0;               ///< with the one kept; before_ms where that is the cost model's
  std::vector<std::int64_t> choice;  ///< empty where the cost model's is kept
};

struct TuneReport {
  std::vector<TunedPrimitive> primitives;  ///< in the plan's order
  double before_ms = 0;                    ///< a whole inference, median
  double after_ms = 0;                     ///< measured in turn with before_ms; the same where nothing is kept
  std::string path;                        ///< of the file; empty where none was named
};

/// Measures the primitives of the model's plan for these inputs within whole inferences, so that each finds in the
/// caches what it will find there. Only what is measurably faster twice over is kept, and nothing unless the whole
/// inference is faster. Models loaded afterwards use the file. Throws InvalidInput where it cannot be written.
TuneReport tune(const Model& model, std::span<const Tensor> inputs, const TuneOptions& options = {});

}  // namespace wherry
