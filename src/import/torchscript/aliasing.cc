// The part of the tracer that knows which tensors share memory: views, ops that hand back their own argument, and
// writes in place, which are carried up to the whole memory with scatters and down to other views on their next read.

#include <algorithm>
#include <array>

#include "base/check.h"
#include "import/torchscript/tracer.h"

namespace wherry::import::torchscript {
namespace {

constexpr int kMaxViewDepth = 200;

std::int64_t wrap(std::int64_t dim, std::size_t rank) { return dim < 0 ? dim + static_cast<std::int64_t>(rank) : dim; }

/// Without dimensions of one element: two shapes that agree in this are views of each other whatever the strides.
Dims without_ones(const Dims& sizes) {
  Dims result;
  std::copy_if(sizes.begin(), sizes.end(), std::back_inserter(result), [](std::int64_t size) { return size != 1; });
  return result;
}

const ir::Attribute* find(const ir::Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(name);
  return found == attributes.end() || std::holds_alternative<std::monostate>(found->second) ? nullptr : &found->second;
}

std::int64_t integer(const ir::Attributes& attributes, std::string_view name) {
  const ir::Attribute* attribute = find(attributes, name);
  WHERRY_CHECK(attribute != nullptr && std::holds_alternative<std::int64_t>(*attribute));
  return std::get<std::int64_t>(*attribute);
}

bool flag(const ir::Attributes& attributes, std::string_view name) {
  const ir::Attribute* attribute = find(attributes, name);
  return attribute != nullptr && std::holds_alternative<bool>(*attribute) && std::get<bool>(*attribute);
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Always views of their first argument.
constexpr std::array<std::string_view, 14> kViews = {
    "aten::view",    "aten::permute",   "aten::transpose",  "aten::t",      "aten::unsqueeze",
    "aten::squeeze", "aten::expand",    "aten::narrow",     "aten::slice",  "aten::select",
    "aten::movedim", "aten::unflatten", "aten::as_strided", "aten::view_as"};
// Views where the strides allow it, copies else.
constexpr std::array<std::string_view, 5> kMaybeViews = {"aten::reshape", "aten::flatten", "aten::ravel",
                                                         "aten::reshape_as", "aten::contiguous"};
constexpr std::array<std::string_view, 7> kManyViews = {"aten::chunk",        "aten::split",  "aten::split_with_sizes",
                                                        "aten::tensor_split", "aten::unbind", "aten::broadcast_tensors",
                                                        "aten::meshgrid"};
// In place these change how the tensor looks at its memory, not the memory.
constexpr std::array<std::string_view, 4> kReshaping = {"aten::unsqueeze", "aten::squeeze", "aten::transpose",
                                                        "aten::t"};

}  // namespace

TensorView* Tracer::new_view(TensorView* base, ir::Value* value, std::string op, ir::Attributes attributes) {
  if (base->depth >= kMaxViewDepth)
    base::fail<Unsupported>("a chain of more than {} views of one tensor", kMaxViewDepth);
  TensorView& view = views_.emplace_back();
  view.memory = base->memory;
  view.value = value;
  view.version = base->memory->version;
  view.depth = base->depth + 1;
  view.base = base;
  view.op = std::move(op);
  view.attributes = std::move(attributes);
  return &view;
}

TracedTensor* Tracer::may_share(TensorView* base, ir::Value* value) {
  TracedTensor* result = fresh(value);
  result->view->memory->maybe.push_back(base->memory);
  base->memory->maybe.push_back(result->view->memory);
  return result;
}

ir::Value* Tracer::read(TracedTensor& tensor) { return read(*tensor.view); }

ir::Value* Tracer::read(TensorView& view) {
  AliasSet& memory = *view.memory;
  if (memory.unknown) return nullptr;
  if (!memory.stale.empty()) {
    report(
        fmt::format("a tensor whose memory the in-place write at {} may have changed (through reshape, flatten or "
                    "contiguous)",
                    memory.stale));
    memory.unknown = true;
    return nullptr;
  }
  if (view.base == nullptr || view.version == memory.version) return view.value;
  ir::Value* base = read(*view.base);
  if (base == nullptr) return nullptr;
  if (view.op == "?") {
    report("a write in place below a view that cannot be repeated");
    memory.unknown = true;
    return nullptr;
  }
  view.value = view.op.empty() ? base : record_one(view.op, {base}, view.attributes);
  view.version = memory.version;
  return view.value;
}

ir::Value* Tracer::resized(ir::Value* value, const Dims& sizes) {
  if (value == nullptr || value->type().sizes == sizes) return value;
  return record_one("aten::reshape", {value}, {{"shape", sizes}});
}

ir::Value* Tracer::cast(ir::Value* value, DType dtype) {
  if (value == nullptr || value->type().dtype == dtype) return value;
  return record_one("aten::to", {value}, {{"dtype", dtype}, {"non_blocking", false}, {"copy", false}});
}

// The whole of view.base after `value` has been written where `view` looks; null where that cannot be said.
ir::Value* Tracer::scatter(TensorView& view, ir::Value* value) {
  ir::Value* base = read(*view.base);
  if (base == nullptr) return nullptr;
  const Dims& sizes = base->type().sizes;
  const ir::Attributes& attributes = view.attributes;
  const std::string& op = view.op;
  if (op.empty()) return value;
  if (op == "aten::slice") {
    ir::Attributes where = attributes;
    return record_one("aten::slice_scatter", {base, value}, std::move(where));
  }
  if (op == "aten::select") return record_one("aten::select_scatter", {base, value}, attributes);
  if (op == "aten::narrow") {
    const std::int64_t dim = wrap(integer(attributes, "dim"), sizes.size());
    const std::int64_t size = sizes.at(static_cast<std::size_t>(dim));
    const std::int64_t start =
        integer(attributes, "start") < 0 ? integer(attributes, "start") + size : integer(attributes, "start");
    return record_one(
        "aten::slice_scatter", {base, value},
        {{"dim", dim}, {"start", start}, {"end", start + integer(attributes, "length")}, {"step", std::int64_t{1}}});
  }
  if (op == "aten::transpose" || op == "aten::t") return record_one(op, {value}, attributes);
  if (op == "aten::permute") {
    const Dims& dims = std::get<Dims>(attributes.at("dims"));
    Dims inverse(dims.size());
    for (std::size_t i = 0; i < dims.size(); ++i) {
      inverse.at(static_cast<std::size_t>(wrap(dims[i], dims.size()))) = static_cast<std::int64_t>(i);
    }
    return record_one(op, {value}, {{"dims", inverse}});
  }
  const bool same_elements = op == "aten::unsqueeze" || op == "aten::squeeze" || op == "aten::unflatten" ||
                             op == "aten::reshape" || op == "aten::flatten" ||
                             (op == "aten::view" && find(attributes, "size") != nullptr) ||
                             (op == "aten::expand" && value->type().numel() == base->type().numel());
  if (same_elements) return resized(value, sizes);
  report(fmt::format("an in-place write through {}", op == "?" ? "this view" : op));
  return nullptr;
}

void Tracer::write(TracedTensor& tensor, ir::Value* value) {
  AliasSet& memory = *tensor.view->memory;
  if (!memory.owner.empty()) {
    report(fmt::format("an in-place write to the module's own tensor {}", memory.owner));
    memory.owner.clear();
  }
  std::vector<std::pair<TensorView*, ir::Value*>> updates = {{tensor.view, value}};
  for (TensorView* view = tensor.view; value != nullptr && view->base != nullptr; view = view->base) {
    value = scatter(*view, value);
    updates.emplace_back(view->base, value);
  }
  if (value == nullptr) {
    memory.unknown = true;
    return;
  }
  ++memory.version;
  for (const auto& [view, contents] : updates) {
    view->value = contents;
    view->version = memory.version;
  }
  // Whoever may share this memory is not readable any more: nobody can tell whether it changed.
  if (memory.maybe.empty()) return;
  const ir::Source source = locate_();
  const std::string where = fmt::format("{}:{}", source.file, source.line);
  std::vector<AliasSet*> pending = {&memory};
  while (!pending.empty()) {
    AliasSet* set = pending.back();
    pending.pop_back();
    for (AliasSet* other : std::exchange(set->maybe, {})) {
      if (other == &memory || !other->stale.empty()) continue;
      other->stale = where;
      pending.push_back(other);
    }
  }
}

// Ops that hand back their argument: the same object, or another one over the same elements.
std::optional<TracedTensor*> Tracer::same_tensor(const BoundCall& bound) {
  const std::string& op = bound.schema->name;
  if (bound.tensors.empty() || bound.tensors[0] == nullptr) return std::nullopt;
  TracedTensor* self = bound.tensors[0];
  if (op == "aten::dropout" || op == "aten::feature_dropout" || op == "aten::alpha_dropout") {
    const ir::Attribute* probability = find(bound.attributes, "p");
    const bool idle = probability != nullptr && *probability == ir::Attribute(0.0);
    return idle || !flag(bound.attributes, "train") ? std::optional(self) : std::nullopt;
  }
  if (op == "aten::detach" || op == "aten::alias") return self;
  if (op == "aten::contiguous") {
    ir::Value* value = read(*self);
    // Where memory and order are those of an op's result, PyTorch returns the tensor itself.
    return may_share(self->view, value);
  }
  if (op == "aten::clone") return fresh(read(*self));
  if (op == "aten::to" || op == "aten::type_as" || op == "aten::_to_copy") {
    const DType own = read(*self)->type().dtype;
    DType wanted = own;
    if (const ir::Attribute* dtype = find(bound.attributes, "dtype")) wanted = std::get<DType>(*dtype);
    if (bound.tensors.size() > 1 && bound.tensors[1] != nullptr) wanted = read(*bound.tensors[1])->type().dtype;
    if (wanted != own) {
      ir::Value* value = cast(read(*self), wanted);
      return value == nullptr ? unknown() : fresh(value);
    }
    return op == "aten::_to_copy" || flag(bound.attributes, "copy") ? fresh(read(*self)) : self;
  }
  return std::nullopt;
}

std::optional<std::vector<TracedTensor*>> Tracer::call_view(const BoundCall& bound) {
  const std::string& op = bound.schema->name;
  const bool certain = contains(kViews, op) || op == "aten::expand_as";
  const bool uncertain = contains(kMaybeViews, op);
  const bool many = contains(kManyViews, op);
  if (!certain && !uncertain && !many) return std::nullopt;
  std::vector<ir::Value*> inputs;
  for (TracedTensor* tensor : bound.tensors) inputs.push_back(tensor == nullptr ? nullptr : read(*tensor));
  const ir::Value* self = inputs.empty() ? nullptr : inputs[0];
  const auto values = record(op, inputs, bound.attributes);
  if (!values) return std::vector<TracedTensor*>();
  if (many) return split_view(bound, *values);
  TensorView* base = bound.tensors[0]->view;
  ir::Value* value = values->front();
  const Dims& sizes = value->type().sizes;
  if (uncertain && without_ones(self->type().sizes) != without_ones(sizes)) return std::vector{may_share(base, value)};
  // With a second tensor (view_as) the shape is what counts later.
  if (op == "aten::expand_as") {
    return std::vector{new_tensor(new_view(base, value, "aten::expand", {{"size", sizes}, {"implicit", false}}))};
  }
  if (op == "aten::view_as" || uncertain) {
    return std::vector{new_tensor(new_view(base, value, "aten::reshape", {{"shape", sizes}}))};
  }
  return std::vector{new_tensor(new_view(base, value, op, bound.attributes))};
}

// Each piece of a chunk, split or unbind is a slice of the whole.
std::vector<TracedTensor*> Tracer::split_view(const BoundCall& bound, const std::vector<ir::Value*>& values) {
  const std::string& op = bound.schema->name;
  std::vector<TracedTensor*> results;
  if (op == "aten::broadcast_tensors" || op == "aten::meshgrid") {
    for (std::size_t i = 0; i < values.size(); ++i) {
      results.push_back(new_tensor(new_view(bound.tensors[i]->view, values[i], "?", {})));
    }
    return results;
  }
  TensorView* base = bound.tensors[0]->view;
  const std::size_t rank = read(*base)->type().sizes.size();
  const std::int64_t dim = wrap(integer(bound.attributes, "dim"), rank);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (op == "aten::unbind") {
      results.push_back(new_tensor(
          new_view(base, values[i], "aten::select", {{"dim", dim}, {"index", static_cast<std::int64_t>(i)}})));
      continue;
    }
    const std::int64_t length = values[i]->type().sizes.at(static_cast<std::size_t>(dim));
    results.push_back(
        new_tensor(new_view(base, values[i], "aten::slice",
                            {{"dim", dim}, {"start", start}, {"end", start + length}, {"step", std::int64_t{1}}})));
    start += length;
  }
  return results;
}

// new_zeros, ones_like, … take nothing from their tensor but shape and dtype, so their results depend on no input.
std::optional<std::vector<TracedTensor*>> Tracer::call_creation(const BoundCall& bound) {
  const std::string& op = bound.schema->name;
  if (bound.tensors.empty() || bound.tensors[0] == nullptr) return std::nullopt;
  const bool like = op.ends_with("_like") && op.find("rand") == std::string::npos;
  if (!like && !op.starts_with("aten::new_")) return std::nullopt;
  ir::Attribute fill;
  if (op.find("full") != std::string::npos) {
    fill = bound.attributes.at("fill_value");
  } else if (op.find("ones") != std::string::npos) {
    fill = std::int64_t{1};
  } else if (op.find("zeros") != std::string::npos || op.find("empty") != std::string::npos) {
    fill = std::int64_t{0};
  } else {
    return std::nullopt;
  }
  const ir::TensorType& self = read(*bound.tensors[0])->type();
  ir::Attributes attributes;
  const ir::Attribute* size = find(bound.attributes, "size");
  attributes["size"] = size != nullptr ? *size : ir::Attribute(self.sizes);
  attributes["fill_value"] = fill;
  const ir::Attribute* dtype = find(bound.attributes, "dtype");
  attributes["dtype"] = dtype != nullptr ? *dtype : ir::Attribute(self.dtype);
  ir::Value* value = record_one("aten::full", {}, std::move(attributes));
  return value == nullptr ? std::vector<TracedTensor*>() : std::vector{fresh(value)};
}

std::vector<TracedTensor*> Tracer::call_in_place(const BoundCall& bound) {
  const std::string& op = bound.schema->name;
  TracedTensor* self = bound.tensors[0];
  if (contains(kReshaping, op)) {
    ir::Value* value = record_one(op, {read(*self)}, bound.attributes);
    if (value == nullptr) {
      forget(*self);
    } else {
      self->view = new_view(self->view, value, op, bound.attributes);
    }
    return {self};
  }
  std::vector<ir::Value*> inputs;
  for (TracedTensor* tensor : bound.tensors) inputs.push_back(tensor == nullptr ? nullptr : read(*tensor));
  const ir::TensorType type = inputs[0]->type();
  ir::Value* value = nullptr;
  const ir::Attribute* number = find(bound.attributes, "value");
  if (op == "aten::zero" || (op == "aten::fill" && number != nullptr)) {
    // What was there before does not count.
    value = record_one("aten::full", {},
                       {{"size", type.sizes},
                        {"fill_value", op == "aten::zero" ? ir::Attribute(std::int64_t{0}) : *number},
                        {"dtype", type.dtype}});
  } else if (op == "aten::copy" || op == "aten::fill") {
    value = inputs.at(1);
    if (value->type().sizes != type.sizes) {
      value = record_one("aten::expand", {value}, {{"size", type.sizes}, {"implicit", false}});
    }
    value = cast(value, type.dtype);
  } else {
    value = cast(record_one(op, inputs, bound.attributes), type.dtype);
    if (value != nullptr && value->type().sizes != type.sizes) {
      base::fail<InvalidInput>("{}_: the result has shape {}, the tensor it is written to {}", op,
                               to_string(value->type().sizes), to_string(type.sizes));
    }
  }
  if (value == nullptr) {
    forget(*self);
  } else {
    write(*self, value);
  }
  return {self};
}

}  // namespace wherry::import::torchscript
