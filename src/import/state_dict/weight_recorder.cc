#include "import/state_dict/weight_recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"
#include "import/module_type.h"
#include "ir/ops.h"

namespace wherry::import {
namespace {

tensor::LazyTensorPtr as_float32(const tensor::LazyTensorPtr& weight) {
  if (weight->dtype() == DType::f32) return weight;
  return std::make_shared<tensor::LazyTensor>(
      weight->key() + " as float32", DType::f32, weight->sizes(), [weight] { return weight->get().to(DType::f32); },
      [weight] { weight->release(); });
}

/// What stands for a parameter that `path` lacks, so that a walk can go on and find all of them. Throws InvalidModel
/// when its contents are asked for.
tensor::LazyTensorPtr absent_parameter(std::string path, std::string name, Dims sizes) {
  std::string key = "missing " + name;
  return std::make_shared<tensor::LazyTensor>(std::move(key), DType::f32, std::move(sizes),
                                              [path = std::move(path), name = std::move(name)]() -> Tensor {
                                                base::fail<InvalidModel>("{}: '{}' is missing", path, name);
                                              });
}

}  // namespace

std::string first_few(std::span<const std::string> names, std::string_view what) {
  constexpr std::size_t kShown = 6;
  const auto shown = names.first(std::min(names.size(), kShown));
  return fmt::format("{} {} ({}{})", names.size(), what, fmt::join(shown, ", "), names.size() > kShown ? ", ..." : "");
}

ir::Value* WeightRecorder::parameter(const std::string& name, Dims sizes) {
  const tensor::LazyTensorPtr found = weights_.find(name);
  if (found && found->sizes() == sizes && is_floating(found->dtype()))
    return graph_.add_constant(as_float32(found), name);
  if (!found)
    missing_.push_back(name);
  else
    misshaped_.push_back(fmt::format("{} {}{}, expected float32{}", name, name_of(found->dtype()),
                                     to_string(found->sizes()), to_string(sizes)));
  // The walk goes on, so that all differences are reported at once; the graph is thrown away.
  return graph_.add_constant(absent_parameter(weights_.path, name, std::move(sizes)), name);
}

ir::Value* WeightRecorder::record(std::string_view op, std::vector<ir::Value*> inputs, ir::Attributes attributes,
                                  const std::string& path) {
  ir::Source source;
  source.module = path;
  source.module_type = module_type(op);
  return ir::record(graph_, std::string(op), std::move(inputs), std::move(attributes), std::move(source))->output();
}

std::vector<std::string> WeightRecorder::differences() const {
  std::vector<std::string> parts;
  if (!missing_.empty()) parts.push_back(first_few(missing_, "missing"));
  if (!misshaped_.empty()) parts.push_back(first_few(misshaped_, "of other sizes"));
  return parts;
}

}  // namespace wherry::import
