#include "import/architectures/module_recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "import/printable.h"

namespace wherry::import {
namespace {

constexpr double kBatchNormMomentum = 0.1;

}  // namespace

std::optional<Dims> ModuleRecorder::sizes_of(const std::string& name) const {
  const tensor::LazyTensorPtr tensor = weights_.find(name);
  if (!tensor) return std::nullopt;
  return tensor->sizes();
}

std::int64_t ModuleRecorder::rows_of(const std::string& name, std::int64_t fallback) const {
  constexpr std::int64_t kMostRows = std::int64_t{1} << 24;
  const auto sizes = sizes_of(name);
  return sizes && !sizes->empty() && (*sizes)[0] > 0 && (*sizes)[0] <= kMostRows ? (*sizes)[0] : fallback;
}

ir::Value* ModuleRecorder::parameter(const std::string& name, Dims sizes) {
  used_.insert(name);
  return WeightRecorder::parameter(name, std::move(sizes));
}

ir::Value* ModuleRecorder::conv(const std::string& path, ir::Value* x, std::int64_t channels, ConvOptions options) {
  const std::int64_t in = x->type().sizes.at(1);
  ir::Value* weight = parameter(
      path + ".weight", {channels, std::max<std::int64_t>(in / options.groups, 1), options.kernel, options.kernel});
  ir::Value* bias = options.bias ? parameter(path + ".bias", {channels}) : nullptr;
  return record("aten::conv2d", {x, weight, bias},
                {{"stride", Dims{options.stride, options.stride}},
                 {"padding", Dims{options.padding, options.padding}},
                 {"dilation", Dims{1, 1}},
                 {"groups", options.groups}},
                path);
}

ir::Value* ModuleRecorder::batch_norm(const std::string& path, ir::Value* x, double eps) {
  const Dims sizes{x->type().sizes.at(1)};
  used_.insert(path + ".num_batches_tracked");
  ir::Value* weight = parameter(path + ".weight", sizes);
  ir::Value* bias = parameter(path + ".bias", sizes);
  ir::Value* mean = parameter(path + ".running_mean", sizes);
  ir::Value* variance = parameter(path + ".running_var", sizes);
  return record("aten::batch_norm", {x, weight, bias, mean, variance},
                {{"training", false}, {"momentum", kBatchNormMomentum}, {"eps", eps}, {"cudnn_enabled", true}}, path);
}

ir::Value* ModuleRecorder::linear(const std::string& path, ir::Value* x, std::int64_t features) {
  ir::Value* weight = parameter(path + ".weight", {features, x->type().sizes.back()});
  ir::Value* bias = parameter(path + ".bias", {features});
  return record("aten::linear", {x, weight, bias}, {}, path);
}

ir::Value* ModuleRecorder::relu(const std::string& path, ir::Value* x) { return record("aten::relu", {x}, {}, path); }

ir::Value* ModuleRecorder::relu6(const std::string& path, ir::Value* x) { return record("aten::relu6", {x}, {}, path); }

ir::Value* ModuleRecorder::hardswish(const std::string& path, ir::Value* x) {
  return record("aten::hardswish", {x}, {}, path);
}

ir::Value* ModuleRecorder::hardsigmoid(const std::string& path, ir::Value* x) {
  return record("aten::hardsigmoid", {x}, {}, path);
}

ir::Value* ModuleRecorder::max_pool(const std::string& path, ir::Value* x, PoolOptions options) {
  return record("aten::max_pool2d", {x},
                {{"kernel_size", Dims{options.kernel, options.kernel}},
                 {"stride", Dims{options.stride, options.stride}},
                 {"padding", Dims{options.padding, options.padding}},
                 {"dilation", Dims{1, 1}},
                 {"ceil_mode", options.ceil_mode}},
                path);
}

ir::Value* ModuleRecorder::avg_pool(const std::string& path, ir::Value* x, std::int64_t kernel) {
  return record("aten::avg_pool2d", {x},
                {{"kernel_size", Dims{kernel, kernel}},
                 {"stride", Dims{kernel, kernel}},
                 {"padding", Dims{0, 0}},
                 {"ceil_mode", false},
                 {"count_include_pad", true},
                 {"divisor_override", std::monostate{}}},
                path);
}

ir::Value* ModuleRecorder::adaptive_average(const std::string& path, ir::Value* x, std::int64_t size) {
  return record("aten::adaptive_avg_pool2d", {x}, {{"output_size", Dims{size, size}}}, path);
}

ir::Value* ModuleRecorder::add(const std::string& path, ir::Value* a, ir::Value* b) {
  return record("aten::add", {a, b}, {{"alpha", std::int64_t{1}}}, path);
}

ir::Value* ModuleRecorder::mul(const std::string& path, ir::Value* a, ir::Value* b) {
  return record("aten::mul", {a, b}, {}, path);
}

ir::Value* ModuleRecorder::concat(const std::string& path, std::vector<ir::Value*> parts) {
  return record("aten::cat", std::move(parts), {{"dim", std::int64_t{1}}}, path);
}

ir::Value* ModuleRecorder::slice(const std::string& path, ir::Value* x, std::int64_t begin, std::int64_t end) {
  return record("aten::slice", {x},
                {{"dim", std::int64_t{1}}, {"start", begin}, {"end", end}, {"step", std::int64_t{1}}}, path);
}

ir::Value* ModuleRecorder::shuffle(const std::string& path, ir::Value* x, std::int64_t groups) {
  const Dims sizes = x->type().sizes;
  const Dims grouped{sizes.at(0), groups, sizes.at(1) / groups, sizes.at(2), sizes.at(3)};
  ir::Value* y = record("aten::view", {x}, {{"size", grouped}}, path);
  y = record("aten::transpose", {y}, {{"dim0", std::int64_t{1}}, {"dim1", std::int64_t{2}}}, path);
  return record("aten::reshape", {y}, {{"shape", sizes}}, path);
}

ir::Value* ModuleRecorder::flatten(const std::string& path, ir::Value* x) {
  return record("aten::flatten", {x}, {{"start_dim", std::int64_t{1}}, {"end_dim", std::int64_t{-1}}}, path);
}

ir::Value* ModuleRecorder::global_average(const std::string& path, ir::Value* x) {
  return flatten(path, adaptive_average(path, x, 1));
}

std::string ModuleRecorder::differences() const {
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : weights_.entries) {
    if (!used_.contains(name)) unused.push_back(printable(name, 80));
  }
  std::vector<std::string> parts = WeightRecorder::differences();
  if (!unused.empty()) parts.push_back(first_few(unused, "that the architecture does not have"));
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace wherry::import
