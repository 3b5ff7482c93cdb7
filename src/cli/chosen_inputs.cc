#include "cli/chosen_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cli/input_shape.h"
#include "wherry/compiled.h"

namespace wherry::cli {
namespace {

bool fixed(const TensorInfo& info) {
  return info.sizes && std::all_of(info.sizes->begin(), info.sizes->end(), [](std::int64_t size) { return size >= 0; });
}

Chosen from_shapes(const std::vector<std::string>& arguments, const std::vector<TensorInfo>& inputs) {
  std::vector<std::optional<InputShape>> shapes(inputs.size());
  std::vector<InputShape> nameless;
  for (const std::string& argument : arguments) {
    InputShape shape = parse_input_shape(argument);
    if (shape.name.empty()) {
      nameless.push_back(std::move(shape));
      continue;
    }
    const auto named =
        std::find_if(inputs.begin(), inputs.end(), [&](const auto& info) { return info.name == shape.name; });
    if (named == inputs.end()) base::fail<InvalidInput>("--input {}: the model has no input of that name", argument);
    shapes[static_cast<std::size_t>(named - inputs.begin())] = std::move(shape);
  }
  for (auto& shape : nameless) {
    const auto free = std::find_if(shapes.begin(), shapes.end(), [](const auto& s) { return !s.has_value(); });
    if (free == shapes.end())
      base::fail<InvalidInput>("--input: found {}, the model takes {}", arguments.size(), inputs.size());
    *free = std::move(shape);
  }
  // Those at the end that may be left out are; before others they take the first one's sizes.
  while (!shapes.empty() && !shapes.back() && inputs[shapes.size() - 1].may_be_left_out()) shapes.pop_back();
  Chosen chosen;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!shapes[i] && inputs[i].fallback && shapes[0]) shapes[i] = InputShape{{}, shapes[0]->sizes, {}};
    if (!shapes[i]) base::fail<InvalidInput>("--input: found {}, the model takes {}", arguments.size(), inputs.size());
    const DType dtype = shapes[i]->dtype.value_or(inputs[i].dtype.value_or(DType::f32));
    chosen.tensors.push_back(Tensor::zeros(dtype, shapes[i]->sizes));
  }
  return chosen;
}

/// Whether the input can be one of token ids, or a mask beside them: int64[batch, sequence].
bool may_be_tokens(const TensorInfo& info) {
  return info.optional || (info.dtype.value_or(DType::i64) == DType::i64 && (!info.sizes || info.sizes->size() == 2));
}

/// All inputs as one sequence of so many tokens.
Chosen tokens(const std::vector<TensorInfo>& inputs, std::int64_t sequence) {
  Chosen chosen;
  for (const TensorInfo& input : inputs)
    if (!input.optional) chosen.tensors.push_back(Tensor::zeros(DType::i64, {1, sequence}));
  return chosen;
}

/// Nothing to plan for where the file fixes no shapes and the model does not look like one of images.
std::optional<Chosen> assumed(const std::vector<TensorInfo>& inputs) {
  Chosen chosen;
  if (std::all_of(inputs.begin(), inputs.end(), fixed)) {
    for (const auto& info : inputs)
      chosen.tensors.push_back(Tensor::zeros(info.dtype.value_or(DType::f32), *info.sizes));
    return chosen;
  }
  if (!inputs.empty() && inputs[0].values && std::all_of(inputs.begin(), inputs.end(), may_be_tokens)) {
    constexpr std::int64_t kSequence = 128;
    chosen = tokens(inputs, kSequence);
    chosen.note = fmt::format("assumed a sequence of {} tokens; --seq N says otherwise", kSequence);
    return chosen;
  }
  if (inputs.size() != 1 || (inputs[0].dtype && !is_floating(*inputs[0].dtype))) return std::nullopt;
  Dims sizes = {1, 3, 224, 224};
  if (inputs[0].sizes) {
    if (inputs[0].sizes->size() != sizes.size()) return std::nullopt;
    for (std::size_t d = 0; d < sizes.size(); ++d)
      if ((*inputs[0].sizes)[d] >= 0) sizes[d] = (*inputs[0].sizes)[d];
  }
  chosen.tensors.push_back(Tensor::zeros(inputs[0].dtype.value_or(DType::f32), sizes));
  chosen.note = fmt::format("assumed {}; --input SHAPE says otherwise", to_string(sizes));
  return chosen;
}

}  // namespace

std::optional<Chosen> choose_inputs(const std::vector<std::string>& arguments, const Model& model,
                                    std::optional<std::int64_t> sequence) {
  if (sequence) {
    const std::vector<TensorInfo> inputs = model.describe().inputs;
    if (!arguments.empty())
      base::fail<InvalidInput>("--seq {}: --input gives the whole shape already; one of the two is accepted",
                               *sequence);
    if (inputs.empty() || !std::all_of(inputs.begin(), inputs.end(), may_be_tokens))
      base::fail<InvalidInput>("--seq {}: the model takes no tokens; --input SHAPE says the sizes of its inputs",
                               *sequence);
    return tokens(inputs, *sequence);
  }
  if (!arguments.empty()) return from_shapes(arguments, model.describe().inputs);
  const auto compiled = model.compiled();
  if (!compiled || compiled->shapes.empty()) return assumed(model.describe().inputs);
  Chosen chosen;
  for (const TensorInfo& input : compiled->shapes.front())
    chosen.tensors.push_back(Tensor::zeros(*input.dtype, *input.sizes));
  return chosen;
}

void add_sequence(CLI::App& command, std::optional<std::int64_t>& sequence) {
  command.add_option("--seq", sequence, "Tokens in a sequence, for models of text (default 128)")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
}

}  // namespace wherry::cli
