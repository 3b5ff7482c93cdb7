#pragma once
// A text in, one vector out that stands for it, as sentence-transformers' encode returns it.

#include <span>
#include <string>
#include <vector>

#include "tasks/text_model.h"

namespace wherry::tasks {

class TextEmbedder {
 public:
  /// `normalize`: to length 1, also where the model does not. Throws as TextModel.
  TextEmbedder(const std::string& path, const Options& options, const TextOptions& text, bool normalize)
      : model_(path, options, text, true), normalize_(normalize) {}

  const TextModel& model() const { return model_; }

  /// By a run of the model for each of its parts(): the model's sentence_embedding; of a model without one, the mean of
  /// last_hidden_state over the text's tokens. Throws InvalidModel where it has neither.
  std::vector<std::vector<float>> embed(std::span<const text::Encoding* const> texts) const;

 private:
  /// Of some texts that run together.
  std::vector<std::vector<float>> embed_part(std::span<const text::Encoding* const> texts) const;

  TextModel model_;
  bool normalize_;
};

}  // namespace wherry::tasks
