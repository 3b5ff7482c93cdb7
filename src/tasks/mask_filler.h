#pragma once
// A text with a gap in, words for the gap out, as Hugging Face's fill-mask pipeline returns them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tasks/text_model.h"
#include "tasks/top_classes.h"

namespace wherry::tasks {

struct Filling {
  float score = 0;         ///< softmax over the vocabulary
  std::int64_t token = 0;  ///< id
  std::string token_str;   ///< the token as text: " Paris"
  std::string sequence;    ///< the whole text with it; special tokens are kept where there are other gaps
};

/// For each mask of a text, in order, its fillings, best first.
using Fillings = std::vector<std::vector<Filling>>;

class MaskFiller {
 public:
  /// Throws as TextModel, and InvalidModel where the tokenizer has no mask token.
  MaskFiller(const std::string& path, const Options& options, const TextOptions& text);

  const TextModel& model() const { return model_; }
  /// "[MASK]" or "<mask>"
  const std::string& mask() const { return model_.tokenizer().special_tokens().mask; }

  /// As TextModel::encode; throws InvalidInput where no mask is in the text, or none is left of it.
  text::Encoding encode(const TextInput& input) const;

  /// By a run of the model for each of its parts(). Throws InvalidModel where its output is not [texts, sequence,
  /// vocabulary]. A model that takes positions scores the vocabulary at the masks only.
  std::vector<Fillings> fill(std::span<const text::Encoding* const> texts, std::size_t top) const;

 private:
  /// The masks of some texts that run together.
  std::vector<Fillings> fill_part(std::span<const text::Encoding* const> texts, std::size_t top) const;
  /// The text with each of these words in place of the mask at `token`.
  std::vector<Filling> fillings(const text::Encoding& text, std::size_t token, std::span<const ClassScore> words) const;

  TextModel model_;
  std::int64_t mask_id_ = 0;
};

}  // namespace wherry::tasks
