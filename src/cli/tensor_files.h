#pragma once
// --input and --output of `wherry run`: NumPy's files matched to a model's inputs, and written from its outputs.

#include <span>
#include <string>
#include <vector>

#include "wherry/model.h"

namespace wherry::cli {

/// One tensor for each of the model's inputs, in the model's order. An argument is NAME=FILE.npy for the input of that
/// name, FILE.npy for the next input that has none yet, or FILE.npz for all inputs that its arrays are named after.
/// Throws InvalidInput naming the argument.
std::vector<Tensor> read_inputs(std::span<const std::string> arguments, const std::vector<TensorInfo>& inputs);

/// Throws InvalidInput unless `path` ends in .npz or .npy.
void check_output_path(const std::string& path);

/// Writes all outputs (.npz), or the only one (.npy). Equal names get "_2", "_3", … Throws InvalidInput where there are
/// several for a .npy, or the file cannot be written.
void write_outputs(const std::string& path, std::vector<std::string> names, std::span<const Tensor> outputs);

}  // namespace wherry::cli
