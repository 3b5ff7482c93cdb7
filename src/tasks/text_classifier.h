#pragma once
// Texts in, labels with scores out, as Hugging Face's text-classification pipeline returns them.

#include <span>
#include <string>
#include <vector>

#include "tasks/text_model.h"

namespace wherry::tasks {

struct LabelScore {
  std::string label;
  float score = 0;
};

class TextClassifier {
 public:
  /// Throws as TextModel.
  TextClassifier(const std::string& path, const Options& options, const TextOptions& text)
      : model_(path, options, text) {}

  const TextModel& model() const { return model_; }

  /// The `top` labels of each text, best first, by a run of the model for each of its parts(). Scores are softmax over
  /// the classes; sigmoid of each for a single class or problem_type "multi_label_classification"; the output itself
  /// for "regression". Throws InvalidModel where the model's output is not [texts, classes] for as many classes as
  /// config.json names.
  std::vector<std::vector<LabelScore>> classify(std::span<const text::Encoding* const> texts, std::size_t top) const;

 private:
  /// One text's labels from its logits.
  std::vector<LabelScore> labels_of(std::span<const float> logits, std::size_t top) const;

  TextModel model_;
};

}  // namespace wherry::tasks
