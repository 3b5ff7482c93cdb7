#include "import/torchscript/tracer.h"

#include <algorithm>

#include "base/check.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript {
namespace {

constexpr std::size_t kMaxNodes = 200000;
constexpr std::size_t kMaxMissing = 200;
/// Results this small are computed while recording: sizes and flags that the program itself will ask for.
constexpr std::int64_t kSmall = 64;
/// The most elements that finding out one value may read.
constexpr std::int64_t kMaxContents = std::int64_t{1} << 22;
/// And all of them together.
constexpr std::int64_t kMaxAllContents = std::int64_t{1} << 25;

}  // namespace

Tracer::Tracer(ir::Graph& graph, std::function<ir::Source()> locate) : graph_(graph), locate_(std::move(locate)) {}

TracedTensor* Tracer::new_tensor(TensorView* view) {
  TracedTensor& tensor = tensors_.emplace_back();
  tensor.view = view;
  return &tensor;
}

TracedTensor* Tracer::fresh(ir::Value* value) {
  TensorView& view = views_.emplace_back();
  view.memory = &memories_.emplace_back();
  view.memory->unknown = value == nullptr;
  view.value = value;
  return new_tensor(&view);
}

TracedTensor* Tracer::attribute(const tensor::LazyTensorPtr& tensor, const std::string& name) {
  TracedTensor* traced = fresh(graph_.add_constant(tensor, name));
  traced->view->memory->owner = name;
  return traced;
}

TracedTensor* Tracer::constant(Tensor tensor) { return fresh(graph_.add_constant(std::move(tensor))); }

TracedTensor* Tracer::unknown() { return fresh(nullptr); }

bool Tracer::is_unknown(const TracedTensor& tensor) const { return tensor.view->memory->unknown; }

void Tracer::forget(TracedTensor& tensor) { tensor.view->memory->unknown = true; }

void Tracer::report(std::string_view what_is_missing) {
  std::string what = one_line(what_is_missing);
  const ir::Source source = locate_();
  std::string where = source.file.empty() ? "" : one_line(fmt::format("{}:{}", source.file, source.line));
  const bool known = std::any_of(missing_.begin(), missing_.end(),
                                 [&](const Unsupported::Item& item) { return item.op == what && item.where == where; });
  if (!known && missing_.size() < kMaxMissing) missing_.push_back({std::move(what), std::move(where)});
}

std::optional<std::vector<ir::Value*>> Tracer::record(const std::string& op, std::vector<ir::Value*> inputs,
                                                      ir::Attributes attributes) {
  if (++nodes_ > kMaxNodes) base::fail<InvalidModel>("the model runs more than {} operators", kMaxNodes);
  try {
    if (auto values = compute_now(op, inputs, attributes)) return values;
    return ir::record(graph_, op, std::move(inputs), std::move(attributes), locate_())->outputs();
  } catch (const Unsupported& error) {
    report(error.what());
    return std::nullopt;
  } catch (const InvalidModel& error) {
    // The op is sound, so it is the shapes that went in that do not fit.
    throw InvalidInput(error.what());
  }
}

ir::Value* Tracer::record_one(const std::string& op, std::vector<ir::Value*> inputs, ir::Attributes attributes) {
  const auto values = record(op, std::move(inputs), std::move(attributes));
  return values ? values->front() : nullptr;
}

std::optional<std::vector<ir::Value*>> Tracer::compute_now(const std::string& op, const std::vector<ir::Value*>& inputs,
                                                           const ir::Attributes& attributes) {
  std::int64_t elements = 0;
  for (const ir::Value* input : inputs) {
    if (input == nullptr) continue;
    if (!input->is_constant()) return std::nullopt;
    elements += input->type().numel();
    if (elements > kSmall) return std::nullopt;
  }
  if (!ir::can_evaluate(op)) return std::nullopt;
  std::vector<const ir::TensorType*> types;
  for (const ir::Value* input : inputs) types.push_back(input == nullptr ? nullptr : &input->type());
  const std::vector<ir::TensorType> outputs = ir::infer_types(op, types, attributes);
  for (const ir::TensorType& output : outputs) {
    if (output.numel() > kSmall) return std::nullopt;
  }
  std::vector<Tensor> tensors;
  std::vector<const Tensor*> pointers;
  tensors.reserve(inputs.size());
  for (const ir::Value* input : inputs) {
    if (input != nullptr) tensors.push_back(input->constant()->get());
    pointers.push_back(input == nullptr ? nullptr : &tensors.back());
  }
  auto results = ir::evaluate(op, pointers, attributes, outputs, kSmall);
  if (!results) return std::nullopt;
  std::vector<ir::Value*> values;
  for (Tensor& result : *results) values.push_back(graph_.add_constant(std::move(result)));
  return values;
}

void Tracer::keep_contents(const ir::Value* value, Tensor contents) {
  contents_elements_ += contents.numel();
  contents_.emplace(value, std::move(contents));
}

std::optional<Tensor> Tracer::known_contents(TracedTensor& tensor) {
  ir::Value* wanted = read(tensor);
  if (wanted == nullptr) return std::nullopt;
  // The nodes above `wanted`, each after what it reads.
  std::vector<const ir::Value*> pending = {wanted};
  while (!pending.empty()) {
    const ir::Value* value = pending.back();
    if (contents_.contains(value)) {
      pending.pop_back();
      continue;
    }
    if (value->type().numel() > kMaxContents || contents_elements_ > kMaxAllContents) return std::nullopt;
    if (value->is_constant()) {
      keep_contents(value, value->constant()->get());
      pending.pop_back();
      continue;
    }
    const ir::Node* node = value->producer();
    if (node == nullptr || !ir::can_evaluate(node->op())) return std::nullopt;
    std::vector<const Tensor*> inputs;
    bool ready = true;
    for (const ir::Value* input : node->inputs()) {
      if (input == nullptr) {
        inputs.push_back(nullptr);
      } else if (const auto found = contents_.find(input); found != contents_.end()) {
        inputs.push_back(&found->second);
      } else {
        ready = false;
        pending.push_back(input);
      }
    }
    if (!ready) continue;
    std::vector<ir::TensorType> types;
    for (const ir::Value* output : node->outputs()) types.push_back(output->type());
    auto results = ir::evaluate(node->op(), inputs, node->attributes(), types, kMaxContents);
    if (!results) return std::nullopt;
    for (std::size_t i = 0; i < results->size(); ++i) keep_contents(node->outputs()[i], std::move((*results)[i]));
    pending.pop_back();
  }
  return contents_.at(wanted);
}

std::vector<TracedTensor*> Tracer::call(const BoundCall& bound) {
  for (TracedTensor* tensor : bound.tensors) {
    if (tensor == nullptr || (!is_unknown(*tensor) && read(*tensor) != nullptr)) continue;
    if (bound.schema->inplace) {
      forget(*bound.tensors[0]);
      return {bound.tensors[0]};
    }
    return {};
  }
  if (const auto same = same_tensor(bound)) return {*same};
  if (bound.schema->inplace) return call_in_place(bound);
  if (auto views = call_view(bound)) return *views;
  if (auto created = call_creation(bound)) return *created;
  std::vector<ir::Value*> inputs;
  for (TracedTensor* tensor : bound.tensors) inputs.push_back(tensor == nullptr ? nullptr : read(*tensor));
  const auto values = record(bound.schema->name, std::move(inputs), bound.attributes);
  std::vector<TracedTensor*> results;
  if (values) {
    for (ir::Value* value : *values) results.push_back(fresh(value));
  }
  return results;
}

}  // namespace wherry::import::torchscript
