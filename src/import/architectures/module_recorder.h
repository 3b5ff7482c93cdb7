#pragma once
// What a built-in architecture is written in: layers named by their path in the module tree, whose weights come from a
// state dict. The same walk that records the graph finds everything in which the state dict differs.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "import/state_dict/weight_recorder.h"

namespace wherry::import {

/// nn.Conv2d with square kernels and no dilation.
struct ConvOptions {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t groups = 1;
  bool bias = false;
};

/// nn.MaxPool2d with square windows.
struct PoolOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;
  bool ceil_mode = false;
};

constexpr double kBatchNormEps = 1e-5;

class ModuleRecorder : private WeightRecorder {
 public:
  ModuleRecorder(ir::Graph& graph, const StateDict& weights) : WeightRecorder(graph, weights) {}

  /// Sizes of an entry, empty where there is none: for what follows the weights (number of classes, width).
  std::optional<Dims> sizes_of(const std::string& name) const;
  /// Dimension 0 of an entry, `fallback` where it is missing or unreasonable.
  std::int64_t rows_of(const std::string& name, std::int64_t fallback) const;

  /// Each reads the weights "<path>.weight" and so on and returns its output.
  ir::Value* conv(const std::string& path, ir::Value* x, std::int64_t channels, ConvOptions options);
  ir::Value* batch_norm(const std::string& path, ir::Value* x, double eps = kBatchNormEps);
  ir::Value* linear(const std::string& path, ir::Value* x, std::int64_t features);

  ir::Value* relu(const std::string& path, ir::Value* x);
  ir::Value* relu6(const std::string& path, ir::Value* x);
  ir::Value* hardswish(const std::string& path, ir::Value* x);
  ir::Value* hardsigmoid(const std::string& path, ir::Value* x);
  ir::Value* max_pool(const std::string& path, ir::Value* x, PoolOptions options);
  /// Average of square windows that do not overlap.
  ir::Value* avg_pool(const std::string& path, ir::Value* x, std::int64_t kernel);
  /// [N, C, H, W] → [N, C, size, size]
  ir::Value* adaptive_average(const std::string& path, ir::Value* x, std::int64_t size);
  ir::Value* add(const std::string& path, ir::Value* a, ir::Value* b);
  ir::Value* mul(const std::string& path, ir::Value* a, ir::Value* b);
  /// Along the channels, as are the next two.
  ir::Value* concat(const std::string& path, std::vector<ir::Value*> parts);
  ir::Value* slice(const std::string& path, ir::Value* x, std::int64_t begin, std::int64_t end);
  /// Channel g * (C / groups) + i goes to i * groups + g.
  ir::Value* shuffle(const std::string& path, ir::Value* x, std::int64_t groups);
  /// [N, C, H, W] → [N, C * H * W]
  ir::Value* flatten(const std::string& path, ir::Value* x);
  /// [N, C, H, W] → [N, C]: adaptive average pooling to 1 × 1, then flatten.
  ir::Value* global_average(const std::string& path, ir::Value* x);

  /// In which the state dict differs from what was asked of it: missing, mis-shaped and unused entries, in one line;
  /// empty where it fits. Batch norm's num_batches_tracked may be there or not.
  std::string differences() const;

 private:
  ir::Value* parameter(const std::string& name, Dims sizes);

  std::unordered_set<std::string> used_;
};

}  // namespace wherry::import
