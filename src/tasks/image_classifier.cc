// The thin layer between a picture and a model: batching the input, checking that the output is one row a picture.

#include "tasks/image_classifier.h"

#include <algorithm>

#include "base/check.h"
#include "vision/decode.h"

namespace wherry::tasks {
namespace {

using base::fail;

Tensor stack(std::span<const Tensor> prepared) {
  if (prepared.size() == 1) return prepared.front();
  Dims sizes = prepared.front().sizes();
  sizes[0] = static_cast<std::int64_t>(prepared.size());
  Tensor batch = Tensor::empty(DType::f32, sizes);
  auto to = batch.mutable_values<float>().begin();
  for (const auto& one : prepared) {
    WHERRY_CHECK(one.sizes() == prepared.front().sizes());
    const auto from = one.values<float>();
    to = std::copy(from.begin(), from.end(), to);
  }
  return batch;
}

const Preprocessing& checked(const Preprocessing& preprocessing) {
  vision::check(preprocessing);
  return preprocessing;
}

}  // namespace

ImageClassifier::ImageClassifier(const std::string& path, const Options& options, const Preprocessing& preprocessing)
    : name_(path), preprocessing_(checked(preprocessing)), model_(Model::load(path, options)) {
  const auto inputs = model_.describe().inputs;
  if (inputs.size() != 1)
    fail<InvalidInput>("{}: the model takes {} inputs; an image classifier takes one", name_, inputs.size());
}

Tensor ImageClassifier::prepare(const std::string& path) const {
  return vision::preprocess(vision::read_image(path), preprocessing_);
}

std::vector<Classification> ImageClassifier::classify(std::span<const Tensor> prepared, std::size_t top) const {
  if (prepared.empty()) return {};
  const Tensor input = stack(prepared);
  const auto outputs = model_.run({&input, 1});
  if (outputs.empty()) fail<InvalidModel>("{}: the model returns nothing; a tensor of logits is expected", name_);

  Dims sizes = outputs.front().sizes();
  while (sizes.size() > 2 && sizes.back() == 1) sizes.pop_back();
  const auto pictures = static_cast<std::int64_t>(prepared.size());
  if (!is_floating(outputs.front().dtype()) || sizes.size() != 2 || sizes[0] != pictures || sizes[1] == 0)
    fail<InvalidModel>("{}: the model's output is {} {}; floating [{}, classes] is expected of a classifier", name_,
                       name_of(outputs.front().dtype()), to_string(outputs.front().sizes()), pictures);

  const Tensor logits = outputs.front().to(DType::f32);
  const auto values = logits.values<float>();
  const auto classes = static_cast<std::size_t>(sizes[1]);
  std::vector<Classification> results;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    auto scores = top_classes(values.subspan(i * classes, classes), top);
    if (!scores) fail<InvalidModel>("{}: the model's output is not finite; probabilities need finite logits", name_);
    results.push_back({std::move(*scores), sizes[1]});
  }
  return results;
}

}  // namespace wherry::tasks
