#pragma once
// What commands that measure feed a model: random numbers of the sizes that the user names, or that can be assumed.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wherry/model.h"

namespace wherry::cli {

struct MeasuredInputs {
  std::vector<std::string> shapes;
  std::optional<std::int64_t> sequence;
  std::optional<std::int64_t> batch;
};

/// The options --input, --seq and --bs.
void add_measured_inputs(CLI::App& command, MeasuredInputs& options);

/// Types of all inputs that the model is measured with. Throws InvalidInput where the options do not fit the model
/// `name`, or nothing can be assumed.
std::vector<TensorInfo> input_types(const MeasuredInputs& options, const std::string& name, const Model& model);

/// "resnet50" of "models/resnet50.pt".
std::string name_of_model(const std::string& model);

}  // namespace wherry::cli
