#include "import/huggingface/layer_recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace wherry::import::huggingface {

LayerRecorder::LayerRecorder(ir::Graph& graph, const StateDict& weights, std::string_view encoder)
    : WeightRecorder(graph, weights) {
  const std::string prefix = std::string(encoder) + ".";
  const bool headed = std::any_of(weights.entries.begin(), weights.entries.end(),
                                  [&](const auto& entry) { return entry.first.starts_with(prefix); });
  if (headed) prefix_ = prefix;
}

ir::Value* LayerRecorder::linear(const std::string& path, ir::Value* x, std::int64_t features) {
  ir::Value* weight = parameter(path + ".weight", {features, x->type().sizes.back()});
  return linear(path, x, weight, parameter(path + ".bias", {features}));
}

ir::Value* LayerRecorder::linear(const std::string& path, ir::Value* x, ir::Value* weight, ir::Value* bias) {
  return record("aten::linear", {x, weight, bias}, {}, path);
}

ir::Value* LayerRecorder::layer_norm(const std::string& path, ir::Value* x, double eps) {
  const Dims sizes{x->type().sizes.back()};
  const bool legacy = !has(path + ".weight") && has(path + ".gamma");
  ir::Value* weight = parameter(path + (legacy ? ".gamma" : ".weight"), sizes);
  ir::Value* bias = parameter(path + (legacy ? ".beta" : ".bias"), sizes);
  return record("aten::layer_norm", {x, weight, bias},
                {{"normalized_shape", sizes}, {"eps", eps}, {"cudnn_enable", true}}, path);
}

ir::Value* LayerRecorder::embedding(const std::string& path, ir::Value* table, ir::Value* ids) {
  return record("aten::embedding", {table, ids},
                {{"padding_idx", std::int64_t{-1}}, {"scale_grad_by_freq", false}, {"sparse", false}}, path);
}

ir::Value* LayerRecorder::add(const std::string& path, ir::Value* a, ir::Value* b) {
  return record("aten::add", {a, b}, {{"alpha", std::int64_t{1}}}, path);
}

ir::Value* LayerRecorder::slice(const std::string& path, ir::Value* x, std::int64_t dim, std::int64_t begin,
                                std::int64_t end) {
  return record("aten::slice", {x}, {{"dim", dim}, {"start", begin}, {"end", end}, {"step", std::int64_t{1}}}, path);
}

ir::Value* LayerRecorder::select(const std::string& path, ir::Value* x, std::int64_t dim, std::int64_t index) {
  return record("aten::select", {x}, {{"dim", dim}, {"index", index}}, path);
}

ir::Value* LayerRecorder::reshape(const std::string& path, ir::Value* x, Dims sizes) {
  return record("aten::reshape", {x}, {{"shape", std::move(sizes)}}, path);
}

ir::Value* LayerRecorder::transpose(const std::string& path, ir::Value* x, std::int64_t a, std::int64_t b) {
  return record("aten::transpose", {x}, {{"dim0", a}, {"dim1", b}}, path);
}

std::string LayerRecorder::differences() const {
  return fmt::format("{}", fmt::join(WeightRecorder::differences(), "; "));
}

}  // namespace wherry::import::huggingface
