#pragma once
// What the encoders and heads are written in: layers named by their path in transformers' module tree, whose weights
// come from the folder's files. The same walk that records the graph finds everything in which those differ from the
// configuration.

#include <string>
#include <string_view>
#include <vector>

#include "import/state_dict/weight_recorder.h"

namespace wherry::import::huggingface {

class LayerRecorder : private WeightRecorder {
 public:
  /// `encoder` is the family's name: a model with a head keeps its encoder's weights under it ("bert.encoder…"), a bare
  /// encoder does not.
  LayerRecorder(ir::Graph& graph, const StateDict& weights, std::string_view encoder);

  /// A path within the encoder, as this file spells it: "bert.pooler.dense" or "pooler.dense".
  std::string in_encoder(std::string_view path) const { return prefix_ + std::string(path); }
  bool has(const std::string& name) const { return weights_.find(name) != nullptr; }

  using WeightRecorder::parameter;
  using WeightRecorder::record;
  /// y = x · "<path>.weight"ᵀ + "<path>.bias"
  ir::Value* linear(const std::string& path, ir::Value* x, std::int64_t features);
  ir::Value* linear(const std::string& path, ir::Value* x, ir::Value* weight, ir::Value* bias);
  /// Over the last dimension. Files made from TensorFlow checkpoints call weight and bias gamma and beta.
  ir::Value* layer_norm(const std::string& path, ir::Value* x, double eps);
  ir::Value* embedding(const std::string& path, ir::Value* table, ir::Value* ids);
  ir::Value* add(const std::string& path, ir::Value* a, ir::Value* b);
  /// x[:, begin : end] of dimension `dim`.
  ir::Value* slice(const std::string& path, ir::Value* x, std::int64_t dim, std::int64_t begin, std::int64_t end);
  /// Without the dimension.
  ir::Value* select(const std::string& path, ir::Value* x, std::int64_t dim, std::int64_t index);
  ir::Value* reshape(const std::string& path, ir::Value* x, Dims sizes);
  ir::Value* transpose(const std::string& path, ir::Value* x, std::int64_t a, std::int64_t b);

  /// Missing and mis-shaped entries in one line; empty where all were there. Entries that nothing asked for (the head
  /// of another task, buffers) are nobody's business.
  std::string differences() const;

 private:
  std::string prefix_;
};

}  // namespace wherry::import::huggingface
