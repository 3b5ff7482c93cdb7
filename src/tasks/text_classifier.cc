// From logits to labels by the rules of transformers' pipelines/text_classification.py.

#include "tasks/text_classifier.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "tasks/length_batches.h"
#include "tasks/top_classes.h"

namespace wherry::tasks {
namespace {

using base::fail;

enum class Function : std::uint8_t { softmax, sigmoid, none };

Function function_for(const TextConfig& config, std::size_t classes) {
  if (config.problem_type == "regression") return Function::none;
  if (config.problem_type == "multi_label_classification" || classes == 1) return Function::sigmoid;
  return Function::softmax;
}

double score_of(const ClassScore& found, Function function) {
  switch (function) {
    case Function::softmax: return found.probability;
    case Function::sigmoid: return 1 / (1 + std::exp(-static_cast<double>(found.logit)));
    case Function::none: break;
  }
  return found.logit;
}

}  // namespace

std::vector<std::vector<LabelScore>> TextClassifier::classify(std::span<const text::Encoding* const> texts,
                                                              std::size_t top) const {
  std::vector<std::vector<LabelScore>> results(texts.size());
  for (const auto& part : model_.parts(texts)) {
    const std::vector<const text::Encoding*> together = texts_of(texts, part);
    const Tensor logits = model_.output(model_.run_part(together), "logits", 2);
    const auto classes = static_cast<std::size_t>(logits.sizes()[1]);
    for (std::size_t i = 0; i < part.size(); ++i)
      results[part[i]] = labels_of(logits.values<float>().subspan(i * classes, classes), top);
  }
  return results;
}

std::vector<LabelScore> TextClassifier::labels_of(std::span<const float> logits, std::size_t top) const {
  const auto& labels = model_.config().labels;
  if (!labels.empty() && labels.size() != logits.size())
    fail<InvalidModel>("{}: the model has {} classes, but config.json names {} (id2label)", model_.name(),
                       logits.size(), labels.size());
  const Function function = function_for(model_.config(), logits.size());
  const auto found = top_classes(logits, top);
  if (!found) fail<InvalidModel>("{}: the model's output is not finite; scores need finite logits", model_.name());
  std::vector<LabelScore> result;
  for (const ClassScore& one : *found)
    result.push_back(
        {labels.empty() ? "LABEL_" + std::to_string(one.index) : labels[static_cast<std::size_t>(one.index)],
         static_cast<float>(score_of(one, function))});
  return result;
}

}  // namespace wherry::tasks
