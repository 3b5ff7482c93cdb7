#pragma once
// A model of text with its tokenizer: texts in, tensors out. What stands on it, a task, knows nothing of tokens' ids,
// padding or the names of inputs. However the model was imported, it takes input_ids and, where it wants them,
// attention_mask and token_type_ids, int64 [batch, sequence].

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/text_config.h"
#include "text/tokenizer.h"
#include "wherry/model.h"

namespace wherry::tasks {

struct TextOptions {
  std::string folder;           ///< of the tokenizer, and of config.json where the model's own has none; empty for that
  std::int64_t max_length = 0;  ///< tokens; 0 for as many as the model takes
  bool truncate = true;         ///< false: a longer text is refused
};

/// A text, or two that belong together.
struct TextInput {
  std::string text;
  std::optional<std::string> pair;
};

/// A token of one of several texts.
struct TokenPlace {
  std::size_t text = 0;
  std::size_t token = 0;
};

/// What one run of the model gave, and what was given: padded to the longest.
struct TextOutputs {
  std::vector<std::string> names;
  std::vector<Tensor> tensors;
  std::int64_t batch = 0;
  std::int64_t sequence = 0;
  std::int64_t rows = 0;  ///< dimension 0 of each tensor: the batch, or as many as there are places and some more
};

class TextModel {
 public:
  /// Loads the model at `path`, a folder or a file within one, and the tokenizer beside it. `sentences`: whether the
  /// limit of sentence-transformers holds. Throws InvalidModel where the model does not take tokens or has fewer words
  /// than the tokenizer, InvalidInput for a limit beyond the model's, and what Model::load and Tokenizer::load throw.
  TextModel(const std::string& path, const Options& options, const TextOptions& text, bool sentences = false);

  const std::string& name() const { return name_; }
  const Model& model() const { return model_; }
  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const TextConfig& config() const { return config_; }
  /// The most tokens of a text, special ones included; 0 for no limit.
  std::int64_t max_length() const { return max_length_; }

  /// The text's tokens, truncated where that is allowed. Throws InvalidInput where it is empty, no UTF-8, or too long.
  text::Encoding encode(const TextInput& input) const;

  /// Whether the model takes positions and position_ids: may be asked for some tokens only, and given several texts in
  /// a row.
  bool takes_positions() const;

  /// One run of the model over these texts, of any lengths. With `places` its outputs have a row for each of them, and
  /// after those rows that mean nothing.
  TextOutputs run(std::span<const text::Encoding* const> texts, std::span<const TokenPlace> places = {}) const;

  /// Tokens of a row that run_packed() is best given: enough to keep two cores busy, few enough that the square of
  /// which tokens see each other stays small.
  static constexpr std::size_t kPackedTokens = 256;
  /// One run of a model that takes positions over these texts, one after the other in one row, each seeing itself only:
  /// nothing is spent on padding but at the end of the row. Outputs have a row for each of `places`, or for each text's
  /// first token, and after those rows that mean nothing.
  TextOutputs run_packed(std::span<const text::Encoding* const> texts, std::span<const TokenPlace> places = {}) const;

  /// Indices of `texts` in parts, each of which is best one run: those that fill a row where they may share it, else
  /// all of them.
  std::vector<std::vector<std::size_t>> parts(std::span<const text::Encoding* const> texts) const;
  /// Several texts packed where the model takes positions, else as run().
  TextOutputs run_part(std::span<const text::Encoding* const> texts, std::span<const TokenPlace> places = {}) const;

  /// The output of this name, or, where no output has a name that says something (a traced model), the first one, as
  /// float32. Throws InvalidModel where it does not have `dimensions` of them, the first of which is TextOutputs::rows.
  Tensor output(const TextOutputs& outputs, std::string_view name, std::size_t dimensions) const;

 private:
  enum class Input : std::uint8_t { ids, mask, types, positions, position_ids, none };
  /// `optional`: whether it may be left out where it says what is so anyway.
  struct Wanted {
    Input input;
    bool optional;
  };

  bool takes(Input input) const;
  TextOutputs answer(TextOutputs outputs, const std::vector<Tensor>& inputs) const;
  Tensor positions_of(std::span<const TokenPlace> places, std::int64_t sequence) const;

  std::string name_;
  TextConfig config_;
  TextOptions text_;
  text::Tokenizer tokenizer_;
  Model model_;
  std::vector<Wanted> inputs_;
  std::int64_t pad_ = 0;
  std::int64_t max_length_ = 0;
};

}  // namespace wherry::tasks
