#pragma once
// What the encoders and heads are written in: layers named by their path in transformers' module tree, whose weights
// come from the folder's files. The same walk that records the graph finds everything in which those differ from the
// configuration.

#include <string>
#include <string_view>
#include <vector>

#include "import/state_dict/state_dict.h"
#include "ir/graph.h"

namespace wherry::import::huggingface {

class LayerRecorder {
 public:
  /// `encoder` is the family's name: a model with a head keeps its encoder's weights under it ("bert.encoder…"), a bare
  /// encoder does not.
  LayerRecorder(ir::Graph& graph, const StateDict& weights, std::string_view encoder);

  /// A path within the encoder, as this file spells it: "bert.pooler.dense" or "pooler.dense".
  std::string in_encoder(std::string_view path) const { return prefix_ + std::string(path); }
  bool has(const std::string& name) const { return weights_.find(name) != nullptr; }

  /// The entry of this name as float32. One that is missing or of other sizes is noted for differences().
  ir::Value* parameter(const std::string& name, Dims sizes);

  ir::Value* record(std::string_view op, std::vector<ir::Value*> inputs, ir::Attributes attributes,
                    const std::string& path);
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
  ir::Graph& graph_;
  const StateDict& weights_;
  std::string prefix_;
  std::vector<std::string> missing_;
  std::vector<std::string> misshaped_;
};

}  // namespace wherry::import::huggingface
