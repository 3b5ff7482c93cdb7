// Pooling for encoders that leave it to us.

#include "tasks/text_embedder.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "tasks/length_batches.h"

namespace wherry::tasks {
namespace {

using base::fail;

/// The mean over a text's own tokens of [sequence, width].
std::vector<float> mean(std::span<const float> hidden, std::size_t tokens, std::size_t width) {
  std::vector<double> sum(width);
  for (std::size_t token = 0; token < tokens; ++token)
    for (std::size_t i = 0; i < width; ++i) sum[i] += static_cast<double>(hidden[token * width + i]);
  std::vector<float> result(width);
  for (std::size_t i = 0; i < width; ++i) result[i] = static_cast<float>(sum[i] / static_cast<double>(tokens));
  return result;
}

void make_length_one(std::vector<float>& vector) {
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value) * static_cast<double>(value);
  if (square == 0) return;
  for (float& value : vector) value = static_cast<float>(static_cast<double>(value) / std::sqrt(square));
}

}  // namespace

std::vector<std::vector<float>> TextEmbedder::embed(std::span<const text::Encoding* const> texts) const {
  std::vector<std::vector<float>> results(texts.size());
  for (const auto& part : model_.parts(texts)) {
    const std::vector<const text::Encoding*> together = texts_of(texts, part);
    std::vector<std::vector<float>> vectors = embed_part(together);
    for (std::size_t i = 0; i < part.size(); ++i) results[part[i]] = std::move(vectors[i]);
  }
  return results;
}

std::vector<std::vector<float>> TextEmbedder::embed_part(std::span<const text::Encoding* const> texts) const {
  const TextOutputs outputs = model_.run_part(texts);
  const bool pooled =
      std::find(outputs.names.begin(), outputs.names.end(), "sentence_embedding") != outputs.names.end();
  const Tensor tensor =
      pooled ? model_.output(outputs, "sentence_embedding", 2) : model_.output(outputs, "last_hidden_state", 3);
  if (!pooled && tensor.sizes()[1] != outputs.sequence)
    fail<InvalidModel>("{}: the model's output is {}; a vector for each of {} tokens is expected", model_.name(),
                       to_string(tensor.sizes()), outputs.sequence);

  const auto values = tensor.values<float>();
  const auto width = static_cast<std::size_t>(tensor.sizes().back());
  const std::size_t stride = values.size() / static_cast<std::size_t>(outputs.rows);
  std::vector<std::vector<float>> results;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto own = values.subspan(i * stride, stride);
    results.push_back(pooled ? std::vector<float>(own.begin(), own.end()) : mean(own, texts[i]->ids.size(), width));
    if (normalize_) make_length_one(results.back());
  }
  return results;
}

}  // namespace wherry::tasks
