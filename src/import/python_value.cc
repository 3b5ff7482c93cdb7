#include "import/python_value.h"

#include <deque>

namespace wherry::import {

const PythonValue* Dict::find(std::string_view key) const {
  for (const auto& [k, value] : items) {
    const auto* text = std::get_if<std::string>(&k);
    if (text && *text == key) return &value;
  }
  return nullptr;
}

const PythonValue* Instance::find(std::string_view name) const {
  for (const auto& [key, value] : attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// Deques: growth moves nothing, so the plain pointers in PythonValue stay valid.
struct Heap::Storage {
  std::deque<List> lists;
  std::deque<Tuple> tuples;
  std::deque<Dict> dicts;
  std::deque<Instance> instances;
};

Heap::Heap() : storage_(std::make_unique<Storage>()) {}
Heap::Heap(Heap&&) noexcept = default;
Heap& Heap::operator=(Heap&&) noexcept = default;
Heap::~Heap() = default;

List* Heap::new_list(std::vector<PythonValue> items) { return &storage_->lists.emplace_back(List{std::move(items)}); }

Tuple* Heap::new_tuple(std::vector<PythonValue> items) {
  return &storage_->tuples.emplace_back(Tuple{std::move(items), {}});
}

Dict* Heap::new_dict() { return &storage_->dicts.emplace_back(); }

Instance* Heap::new_instance(std::string class_name) {
  return &storage_->instances.emplace_back(Instance{std::move(class_name), {}});
}

namespace {

struct NameOf {
  std::string operator()(const None&) const { return "NoneType"; }
  std::string operator()(bool) const { return "bool"; }
  std::string operator()(std::int64_t) const { return "int"; }
  std::string operator()(double) const { return "float"; }
  std::string operator()(const std::string&) const { return "str"; }
  std::string operator()(const List*) const { return "list"; }
  std::string operator()(const Tuple*) const { return "tuple"; }
  std::string operator()(const Dict*) const { return "dict"; }
  std::string operator()(const Instance* instance) const { return instance->class_name; }
  std::string operator()(const tensor::LazyTensorPtr&) const { return "tensor"; }
  std::string operator()(const TracedTensor*) const { return "tensor"; }
  std::string operator()(const Callable*) const { return "function"; }
  std::string operator()(const Device&) const { return "torch.device"; }
  std::string operator()(const DType&) const { return "torch.dtype"; }
  std::string operator()(const Global& global) const { return global.module + '.' + global.name; }
};

}  // namespace

std::string type_name(const PythonValue& value) { return std::visit(NameOf{}, value); }

}  // namespace wherry::import
