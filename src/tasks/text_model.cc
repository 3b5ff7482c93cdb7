// Padding on the right, names of inputs, and the limits on which tokenizer, configuration and model must agree.

#include "tasks/text_model.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "tasks/length_batches.h"

namespace wherry::tasks {
namespace {

using base::fail;
namespace fs = std::filesystem;

/// Where the tokenizer is: as asked, in the model's folder, or in the folder of its file.
std::string folder_for(const std::string& path, const TextOptions& text) {
  if (!fs::exists(path))
    fail<InvalidInput>("{}: found no such file or folder; a Hugging Face model's folder is expected", path);
  if (!text.folder.empty()) return folder_of_tokenizer(text.folder);
  if (fs::is_directory(path)) return folder_of_tokenizer(path);
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

/// Where config.json is: with the model, else with the tokenizer.
std::string config_folder_for(const std::string& path, const TextOptions& text) {
  const std::string own = folder_for(path, {});
  return fs::exists(fs::path(own) / "config.json") ? own : folder_for(path, text);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == text.npos; }

bool is_of_one_type(const text::Encoding* text) {
  return std::ranges::all_of(text->type_ids, [](std::int64_t type) { return type == 0; });
}

/// The smallest of the limits that there are; 0 for none.
std::int64_t smallest(std::initializer_list<std::int64_t> limits) {
  std::int64_t least = 0;
  for (const std::int64_t limit : limits)
    if (limit != 0 && (least == 0 || limit < least)) least = limit;
  return least;
}

}  // namespace

TextModel::TextModel(const std::string& path, const Options& options, const TextOptions& text, bool sentences)
    : name_(path),
      config_(read_text_config(config_folder_for(path, text))),
      text_(text),
      tokenizer_(text::Tokenizer::load(folder_for(path, text))),
      model_(Model::load(path, options)) {
  std::int64_t words = config_.vocabulary;
  for (const TensorInfo& input : model_.describe().inputs) {
    if (input.dtype.value_or(DType::i64) != DType::i64)
      fail<InvalidModel>("{}: the input '{}' is {}; a model of text takes int64 [batch, sequence]", name_, input.name,
                         name_of(*input.dtype));
    if (input.name == "input_ids") {
      inputs_.push_back({Input::ids, false});
      words = input.values.value_or(words);
    } else if (input.name == "attention_mask") {
      inputs_.push_back({Input::mask, input.fallback == 1});
    } else if (input.name == "token_type_ids") {
      inputs_.push_back({Input::types, input.fallback == 0});
    } else if (input.name == "positions" && input.optional) {
      inputs_.push_back({Input::positions, true});
    } else if (input.name == "position_ids" && input.optional) {
      inputs_.push_back({Input::position_ids, true});
    } else if (input.may_be_left_out()) {
      inputs_.push_back({Input::none, true});
    } else {
      fail<InvalidModel>("{}: the model takes an input '{}'; input_ids, attention_mask and token_type_ids are known",
                         name_, input.name);
    }
  }
  if (!takes(Input::ids)) fail<InvalidModel>("{}: the model takes no input_ids; a model of text is expected", name_);

  if (const std::int64_t largest = tokenizer_.largest_id(); words != 0 && largest >= words)
    fail<InvalidModel>(
        "{}: has tokens up to id {}, but the model {} knows {} of them (vocab_size); a tokenizer of this "
        "model is expected",
        tokenizer_.name(), largest, name_, words);
  pad_ = tokenizer_.id_of(tokenizer_.special_tokens().pad).value_or(config_.pad_token_id);
  const std::int64_t own = smallest(
      {config_.longest, tokenizer_.model_max_length(), sentences ? read_sentence_length(folder_for(path, text)) : 0});
  // A tokenizer's limit is advice, the number of positions is not.
  const std::int64_t hard = config_.longest != 0 ? config_.longest : own;
  if (hard != 0 && text.max_length > hard)
    fail<InvalidInput>("{}: a limit of {} tokens; the model takes texts of at most {}", name_, text.max_length, hard);
  max_length_ = text.max_length != 0 ? text.max_length : own;
}

text::Encoding TextModel::encode(const TextInput& input) const {
  if (is_blank(input.text) || (input.pair && is_blank(*input.pair)))
    fail<InvalidInput>("the text is empty; something to read is expected");
  const text::EncodeOptions options = {.max_length = max_length_};
  text::Encoding encoding =
      input.pair ? tokenizer_.encode(input.text, *input.pair, options) : tokenizer_.encode(input.text, options);
  if (encoding.truncated() && !text_.truncate)
    fail<InvalidInput>(
        "the text has {} tokens; the model takes at most {} (without --no-truncate the rest is left out)",
        encoding.full_length, max_length_);
  return encoding;
}

bool TextModel::takes(Input input) const { return std::ranges::find(inputs_, input, &Wanted::input) != inputs_.end(); }
bool TextModel::takes_positions() const { return takes(Input::positions) && takes(Input::position_ids); }

/// Their number is part of a plan's shape, so it is rounded up: a text with 5 gaps runs as one with 8.
Tensor TextModel::positions_of(std::span<const TokenPlace> places, std::int64_t sequence) const {
  const auto count = static_cast<std::int64_t>(std::bit_ceil(places.size()));
  Tensor tensor = Tensor::empty(DType::i64, {count});
  const auto values = tensor.mutable_values<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const TokenPlace& place = places[std::min(i, places.size() - 1)];
    values[i] = static_cast<std::int64_t>(place.text) * sequence + static_cast<std::int64_t>(place.token);
  }
  return tensor;
}

TextOutputs TextModel::run(std::span<const text::Encoding* const> texts, std::span<const TokenPlace> places) const {
  TextOutputs outputs;
  outputs.batch = static_cast<std::int64_t>(texts.size());
  std::size_t shortest = texts.empty() ? 0 : texts[0]->ids.size();
  const bool one_type = std::ranges::all_of(texts, is_of_one_type);
  for (const text::Encoding* one : texts) {
    outputs.sequence = std::max(outputs.sequence, static_cast<std::int64_t>(one->ids.size()));
    shortest = std::min(shortest, one->ids.size());
  }
  const bool padded = static_cast<std::int64_t>(shortest) < outputs.sequence;

  const auto filled = [&](std::int64_t padding, auto write) {
    Tensor tensor = Tensor::empty(DType::i64, {outputs.batch, outputs.sequence});
    const auto values = tensor.mutable_values<std::int64_t>();
    std::fill(values.begin(), values.end(), padding);
    for (std::size_t row = 0; row < texts.size(); ++row)
      write(*texts[row], values.begin() + static_cast<std::ptrdiff_t>(row) * outputs.sequence);
    return tensor;
  };
  std::vector<Tensor> inputs;
  for (const auto& [input, optional] : inputs_) {
    switch (input) {
      case Input::ids:
        inputs.push_back(
            filled(pad_, [](const text::Encoding& one, auto at) { std::copy(one.ids.begin(), one.ids.end(), at); }));
        break;
      case Input::mask:
        if (optional && !padded)
          inputs.emplace_back();
        else
          inputs.push_back(filled(0, [](const text::Encoding& one, auto at) { std::fill_n(at, one.ids.size(), 1); }));
        break;
      case Input::types:
        if (optional && one_type)
          inputs.emplace_back();
        else
          inputs.push_back(filled(
              0, [](const text::Encoding& one, auto at) { std::copy(one.type_ids.begin(), one.type_ids.end(), at); }));
        break;
      case Input::positions:
        inputs.push_back(places.empty() ? Tensor() : positions_of(places, outputs.sequence));
        break;
      case Input::position_ids:
      case Input::none: inputs.emplace_back(); break;
    }
  }
  outputs.rows = places.empty() ? outputs.batch : static_cast<std::int64_t>(std::bit_ceil(places.size()));
  return answer(std::move(outputs), inputs);
}

TextOutputs TextModel::run_packed(std::span<const text::Encoding* const> texts,
                                  std::span<const TokenPlace> places) const {
  std::size_t total = 0;
  std::vector<TokenPlace> starts, wanted;
  for (const text::Encoding* one : texts) {
    starts.push_back({0, total});
    total += one->ids.size();
  }
  for (const auto& [text, token] : places) wanted.push_back({0, starts[text].token + token});
  if (places.empty()) wanted = std::move(starts);
  // Lengths and numbers of texts are shapes, each with a plan of its own, so few of them are used.
  constexpr std::size_t kFine = 32, kCoarse = 64, kShort = 128, kFewPlaces = 8;
  const std::size_t step = total <= kShort ? kFine : kCoarse;
  TextOutputs outputs;
  outputs.batch = 1;
  outputs.sequence = static_cast<std::int64_t>((total + step - 1) / step * step);
  while (wanted.size() < kFewPlaces) wanted.push_back(wanted.back());
  outputs.rows = static_cast<std::int64_t>(std::bit_ceil(wanted.size()));

  const auto filled = [&](std::int64_t padding, auto write) {
    Tensor tensor = Tensor::empty(DType::i64, {1, outputs.sequence});
    auto at = tensor.mutable_values<std::int64_t>().begin();
    for (const text::Encoding* one : texts) at = write(*one, at);
    std::fill(at, tensor.mutable_values<std::int64_t>().end(), padding);
    return tensor;
  };
  const bool one_type = std::ranges::all_of(texts, is_of_one_type);
  std::vector<Tensor> inputs;
  for (const auto& [input, optional] : inputs_) {
    switch (input) {
      case Input::ids:
        inputs.push_back(
            filled(pad_, [](const text::Encoding& one, auto at) { return std::ranges::copy(one.ids, at).out; }));
        break;
      case Input::types:
        inputs.push_back(optional && one_type ? Tensor() : filled(0, [](const text::Encoding& one, auto at) {
          return std::ranges::copy(one.type_ids, at).out;
        }));
        break;
      case Input::positions: inputs.push_back(positions_of(wanted, outputs.sequence)); break;
      case Input::position_ids:
        // A token of the padding is a text of its own: it begins where texts do.
        inputs.push_back(filled(config_.first_position, [&](const text::Encoding& one, auto at) {
          std::iota(at, at + static_cast<std::ptrdiff_t>(one.ids.size()), config_.first_position);
          return at + static_cast<std::ptrdiff_t>(one.ids.size());
        }));
        break;
      case Input::mask:
      case Input::none: inputs.emplace_back(); break;
    }
  }
  return answer(std::move(outputs), inputs);
}

std::vector<std::vector<std::size_t>> TextModel::parts(std::span<const text::Encoding* const> texts) const {
  std::vector<std::size_t> lengths;
  for (const text::Encoding* one : texts) lengths.push_back(one->ids.size());
  return takes_positions() ? packs_of(lengths, kPackedTokens) : batches_by_length(lengths, texts.size());
}

TextOutputs TextModel::run_part(std::span<const text::Encoding* const> texts,
                                std::span<const TokenPlace> places) const {
  return texts.size() > 1 && takes_positions() ? run_packed(texts, places) : run(texts, places);
}

TextOutputs TextModel::answer(TextOutputs outputs, const std::vector<Tensor>& inputs) const {
  outputs.tensors = model_.run(inputs);
  outputs.names = model_.output_names(inputs);
  return outputs;
}

Tensor TextModel::output(const TextOutputs& outputs, std::string_view name, std::size_t dimensions) const {
  auto found = std::find(outputs.names.begin(), outputs.names.end(), name);
  if (found == outputs.names.end()) {
    // A trace's outputs are called "output" or "output_0"; transformers puts the one that matters first.
    if (outputs.names.empty() || !outputs.names.front().starts_with("output"))
      fail<InvalidModel>("{}: the model has no output '{}'; is it one for another task?", name_, name);
    found = outputs.names.begin();
  }
  const Tensor& tensor = outputs.tensors[static_cast<std::size_t>(found - outputs.names.begin())];
  if (!is_floating(tensor.dtype()) || tensor.sizes().size() != dimensions || tensor.sizes()[0] != outputs.rows ||
      tensor.numel() == 0)
    fail<InvalidModel>("{}: the output '{}' is {} {}; floating with {} dimensions, the first of {}, is expected", name_,
                       *found, name_of(tensor.dtype()), to_string(tensor.sizes()), dimensions, outputs.rows);
  return tensor.to(DType::f32);
}

}  // namespace wherry::tasks
