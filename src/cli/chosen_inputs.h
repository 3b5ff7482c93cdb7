#pragma once
// Inputs for commands that need a model's plan and not its answers: zeros of the sizes that the user names, or that can
// be assumed.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "wherry/model.h"

namespace wherry::cli {

/// The inputs to plan for, and where they come from.
struct Chosen {
  std::vector<Tensor> tensors;
  std::string note;  ///< what was assumed; empty where the user said everything
};

/// From --input arguments (input_shape.h), one for each input; or one sequence of `sequence` tokens for each; without
/// either, from what the file fixes (a compiled model: the first shapes it was compiled for), 1x3x224x224 for one
/// image, or 1x128 for tokens. Empty where nothing can be assumed. Throws InvalidInput where the arguments do not fit
/// the model.
std::optional<Chosen> choose_inputs(const std::vector<std::string>& arguments, const Model& model,
                                    std::optional<std::int64_t> sequence = {});

/// The option --seq.
void add_sequence(CLI::App& command, std::optional<std::int64_t>& sequence);

}  // namespace wherry::cli
