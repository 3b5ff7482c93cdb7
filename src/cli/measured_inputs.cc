#include "cli/measured_inputs.h"

#include <filesystem>

#include "base/check.h"
#include "cli/chosen_inputs.h"
#include "cli/terminal.h"

namespace wherry::cli {

void add_measured_inputs(CLI::App& command, MeasuredInputs& options) {
  command.add_option("--input", options.shapes, "Sizes of an input: 1x3x224x224, 1x128:int64, NAME=1x128:int64")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  add_sequence(command, options.sequence);
  command.add_option("--bs", options.batch, "Batch size (default: 1, or what the file fixes)")
      ->check(CLI::Range(1, 65536))
      ->type_name("N");
}

std::vector<TensorInfo> input_types(const MeasuredInputs& options, const std::string& name, const Model& model) {
  if (options.batch && !options.shapes.empty())
    base::fail<InvalidInput>("--bs {}: --input gives the whole shape already; one of the two is accepted",
                             *options.batch);
  const std::vector<TensorInfo> wanted = model.describe().inputs;
  const auto chosen = choose_inputs(options.shapes, model, options.sequence);
  if (!chosen)
    base::fail<InvalidInput>("{}: the file does not say the sizes of its {} inputs; --input SHAPE for each does", name,
                             wanted.size());
  std::vector<TensorInfo> inputs;
  for (std::size_t i = 0; i < chosen->tensors.size(); ++i) {
    const Tensor& tensor = chosen->tensors[i];
    TensorInfo input = i < wanted.size() ? wanted[i] : TensorInfo{};
    input.dtype = tensor.dtype();
    input.sizes = tensor.sizes();
    inputs.push_back(std::move(input));
    if (options.batch && tensor.dim() > 0) inputs.back().sizes->front() = *options.batch;
  }
  return inputs;
}

std::string name_of_model(const std::string& model) {
  std::filesystem::path path(model);
  if (!path.has_filename()) path = path.parent_path();  // "models/bert/"
  const std::string stem = path.stem().string();
  return printable(stem.empty() ? model : stem);
}

}  // namespace wherry::cli
