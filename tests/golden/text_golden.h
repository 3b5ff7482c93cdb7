#pragma once
// Text goldens: Hugging Face models in a few kilobytes, as folders and as traces, with transformers' answers.
// make_text_goldens.py writes them.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "wherry/tensor.h"

namespace wherry::golden {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

struct TextCase {
  NamedTensors inputs;
  NamedTensors outputs;
};

struct TextGolden {
  std::filesystem::path model;  ///< a folder, or a trace's archive
  std::vector<TextCase> cases;
};

/// Makes the model within `folder`, which must not exist. Throws std::runtime_error.
TextGolden restore_text(const std::filesystem::path& golden, const std::filesystem::path& folder);

}  // namespace wherry::golden
