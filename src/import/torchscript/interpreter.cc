#include "import/torchscript/interpreter.h"

#include <algorithm>

#include "base/check.h"
#include "import/torchscript/lexer.h"
#include "import/torchscript/source_map.h"
#include "import/torchscript/values.h"
#include "tensor/elements.h"

namespace wherry::import::torchscript {
namespace {

// Frames of the C++ stack that interpreted code may reach; a deep model needs a few dozen.
constexpr int kMaxNesting = 900;
/// That a node's call stack has: those next to it.
constexpr std::size_t kMostFrames = 16;

/// "Bottleneck" of "__torch__.torchvision.models.resnet.___torch_mangle_5.Bottleneck".
std::string last_name(const std::string& qualified) { return qualified.substr(qualified.rfind('.') + 1); }

}  // namespace

Interpreter::Interpreter(CodeUnits& code, const ModuleTree& tree, const std::vector<PythonValue>& constants,
                         ir::Graph& graph, std::size_t budget)
    : code_(code),
      constants_(constants),
      tracer_(graph, [this] { return locate(); }),
      modules_(tree.copy(heap_)),
      constant_values_(constants.size()),
      budget_(budget) {}

Interpreter::Nesting::Nesting(Interpreter& owner) : interpreter(owner) {
  if (++interpreter.nesting_ > kMaxNesting) {
    --interpreter.nesting_;
    base::fail<InvalidModel>("the code calls itself too deeply");
  }
}
Interpreter::Nesting::~Nesting() { --interpreter.nesting_; }

void Interpreter::charge(std::size_t units) {
  if (units > budget_ || (units_ += units) > budget_) {
    units_ = budget_;
    base::fail<InvalidModel>("the code runs more than {} steps", budget_);
  }
}

bool Interpreter::is_unknown(const PythonValue& value) const {
  const auto* tensor = std::get_if<TracedTensor*>(&value);
  return tensor != nullptr && tracer_.is_unknown(**tensor);
}

Callable* Interpreter::new_callable(Callable callable) {
  charge(4);
  return &callables_.emplace_back(std::move(callable));
}

const std::string* Interpreter::module_of(const PythonValue& self) const {
  if (const auto* instance = std::get_if<Instance*>(&self)) {
    if (const auto found = modules_.paths.find(*instance); found != modules_.paths.end()) return found->second;
  }
  return nullptr;
}

// Two nodes in a row share most of their callers: a site's frame is made again only where it, or a caller, moved on.
std::shared_ptr<const ir::Frame> Interpreter::calls() {
  std::shared_ptr<const ir::Frame> caller;
  for (std::size_t i = stack_.size() - std::min(stack_.size(), kMostFrames); i < stack_.size(); ++i) {
    Site& site = stack_[i];
    if (site.frame == nullptr || site.frame_offset != site.offset || site.frame->caller != caller) {
      auto frame = std::make_shared<ir::Frame>();
      const CodeUnit& unit = *site.function->unit;
      frame->function = site.function->name;
      frame->module = *site.module;
      frame->module_type = last_name(*site.type);
      frame->file = unit.path;
      if (const SourceMap::Place* place = unit.source_map != nullptr ? unit.source_map->find(site.offset) : nullptr) {
        frame->file = place->file;
        frame->line = place->line;
      }
      frame->caller = std::move(caller);
      site.frame = std::move(frame);
      site.frame_offset = site.offset;
    }
    caller = site.frame;
  }
  return caller;
}

// The innermost place outside of torch itself: the line that the model's author knows.
ir::Source Interpreter::locate() {
  ir::Source source;
  if (stack_.empty()) return source;
  source.module = *stack_.back().module;
  source.module_type = last_name(*stack_.back().type);
  source.calls = calls();
  const SourceMap::Place* best = nullptr;
  for (auto site = stack_.rbegin(); site != stack_.rend(); ++site) {
    const CodeUnit& unit = *site->function->unit;
    const SourceMap::Place* found = unit.source_map != nullptr ? unit.source_map->find(site->offset) : nullptr;
    if (found == nullptr) continue;
    if (best == nullptr) best = found;
    if (!found->file.starts_with("torch/")) {
      best = found;
      break;
    }
  }
  if (best != nullptr) {
    source.file = best->file;
    source.line = best->line;
  } else {
    const Site& site = stack_.back();
    source.file = site.function->unit->path;
    source.line = line_of(site.function->unit->source, site.offset);
  }
  return source;
}

std::string Interpreter::place() {
  const ir::Source source = locate();
  return source.file.empty() ? "forward" : fmt::format("{}:{}", source.file, source.line);
}

PythonValue Interpreter::run_forward(Arguments arguments) {
  PythonValue result;
  try {
    // Objects with a __setstate__ of their own, inner ones first.
    for (auto instance = modules_.instances.rbegin(); instance != modules_.instances.rend(); ++instance) {
      const PythonValue* state = (*instance)->find("__state__");
      if (state == nullptr) continue;
      const ClassDef* type = class_of(**instance);
      const FunctionDef* method = type != nullptr ? type->find_method("__setstate__") : nullptr;
      if (method != nullptr) call_function(*method, {{PythonValue(*instance), PythonValue(*state)}, {}});
    }
    attribute_reads_.clear();
    const ClassDef* type = class_of(*modules_.root);
    if (type == nullptr) base::fail<InvalidModel>("the code of class {} is missing", modules_.root->class_name);
    const FunctionDef* forward = type->find_method("forward");
    if (forward == nullptr) base::fail<InvalidModel>("class {} has no method forward", modules_.root->class_name);
    if (!type->hooks.empty()) tracer_.report(fmt::format("the forward hook {}", type->hooks.front()));
    arguments.positional.insert(arguments.positional.begin(), modules_.root);
    result = call_function(*forward, std::move(arguments));
  } catch (const Abandoned&) {
  } catch (const Unsupported& error) {
    tracer_.report(error.what());
  } catch (const InvalidModel& error) {
    if (tracer_.complete()) throw InvalidModel(one_line(fmt::format("{}: {}", place(), error.what())));
  } catch (const InvalidInput& error) {
    if (tracer_.complete()) throw InvalidInput(one_line(fmt::format("{}: {}", place(), error.what())));
  }
  if (tracer_.complete()) return result;
  std::string message;
  for (const Unsupported::Item& item : tracer_.missing()) {
    message +=
        fmt::format("{}{}{}", message.empty() ? "" : "; ", item.op, item.where.empty() ? "" : " (" + item.where + ")");
  }
  throw Unsupported(fmt::format("the model needs what wherry does not have: {}", message), tracer_.missing());
}

// --- what builtins ask for ------------------------------------------------------------------------------------------

PythonValue Interpreter::item(TracedTensor& tensor) {
  if (tracer_.is_unknown(tensor)) return &tensor;
  const std::optional<Tensor> contents = tracer_.known_contents(tensor);
  if (!contents) {
    tracer_.report("a number read from a tensor that depends on the input");
    return unknown();
  }
  if (contents->numel() != 1) {
    base::fail<InvalidModel>("a number read from a tensor of shape {}, expected one element",
                             to_string(contents->sizes()));
  }
  if (is_floating(contents->dtype())) return tensor::load_double(contents->data(), contents->dtype(), 0);
  const std::int64_t integer = tensor::load_int(contents->data(), contents->dtype(), 0);
  return contents->dtype() == DType::boolean ? PythonValue(integer != 0) : PythonValue(integer);
}

std::optional<bool> Interpreter::truth(const PythonValue& value) {
  if (const auto* tensor = std::get_if<TracedTensor*>(&value)) {
    if (tracer_.is_unknown(**tensor)) return std::nullopt;
    const std::optional<Tensor> contents = tracer_.known_contents(**tensor);
    if (contents && contents->numel() == 1) return tensor::load_double(contents->data(), contents->dtype(), 0) != 0;
    tracer_.report("control flow that depends on the values of a tensor");
    return std::nullopt;
  }
  if (std::holds_alternative<None>(value)) return false;
  if (const auto number = as_number(value)) return *number != 0;
  if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
  if (const auto* items = elements(value)) return !items->empty();
  if (const auto* dict = std::get_if<Dict*>(&value)) return !(*dict)->items.empty();
  return true;
}

std::optional<std::vector<PythonValue>> Interpreter::iterate(const PythonValue& value) {
  if (const auto* items = elements(value)) {
    charge(items->size());
    return *items;
  }
  std::vector<PythonValue> result;
  if (const auto* dict = std::get_if<Dict*>(&value)) {
    charge((*dict)->items.size());
    for (const auto& [key, item] : (*dict)->items) result.push_back(key);
    return result;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    charge(text->size());
    for (const char c : *text) result.emplace_back(std::string(1, c));
    return result;
  }
  if (const auto* instance = std::get_if<Instance*>(&value)) {  // a Sequential or a ModuleList
    for (const auto& [name, attribute] : (*instance)->attributes) {
      if (std::holds_alternative<Instance*>(attribute)) result.push_back(attribute);
    }
    charge(result.size());
    return result;
  }
  if (const auto* tensor = std::get_if<TracedTensor*>(&value)) {
    if (tracer_.is_unknown(**tensor)) return std::nullopt;
    Arguments arguments;
    arguments.positional = {value, PythonValue(std::int64_t{0})};
    return iterate(record(language_operations().unbind, arguments));
  }
  base::fail<InvalidModel>("a loop over {}, expected a list, a tuple, a dict, a string or a tensor", type_name(value));
}

const ClassDef* Interpreter::class_of(const Instance& instance) {
  const auto [it, added] = classes_.try_emplace(instance.class_name);
  if (added) it->second = code_.find_class(instance.class_name);
  return it->second;
}

// --- expressions ----------------------------------------------------------------------------------------------------

PythonValue Interpreter::evaluate(const Expr& expr, Frame& frame) {
  charge(1);
  switch (expr.kind) {
    case ExprKind::none: return None();
    case ExprKind::boolean: return expr.integer != 0;
    case ExprKind::integer: return expr.integer;
    case ExprKind::floating: return expr.number;
    case ExprKind::text: charge(expr.text.size() / 16); return expr.text;
    case ExprKind::local: {
      const std::optional<PythonValue>& slot = frame.slot(expr.slot);
      if (!slot) base::fail<InvalidModel>("{} is read before it has a value", expr.text);
      return *slot;
    }
    case ExprKind::constant: return constant(expr.integer);
    case ExprKind::qualified: return qualified(expr);
    case ExprKind::operation: return new_callable({nullptr, nullptr, expr.operation, expr.text, None()});
    default: break;
  }
  const Nesting nesting(*this);
  return evaluate_special(expr, frame);
}

PythonValue Interpreter::evaluate_special(const Expr& expr, Frame& frame) {
  switch (expr.kind) {
    case ExprKind::attribute: return get_attribute(evaluate(*expr.children[0], frame), expr.text);
    case ExprKind::subscript: return evaluate_subscript(expr, frame);
    case ExprKind::call: return evaluate_call(expr, frame);
    case ExprKind::annotate: return annotated(*expr.children[0], evaluate(*expr.children[1], frame));
    case ExprKind::uninitialized: return None();
    case ExprKind::isinstance: return evaluate_isinstance(expr, frame);
    case ExprKind::list:
    case ExprKind::tuple: {
      std::vector<PythonValue> items;
      items.reserve(expr.children.size());
      for (const Expr* child : expr.children) items.push_back(evaluate(*child, frame));
      charge(2);
      if (expr.kind == ExprKind::list) return heap_.new_list(std::move(items));
      return heap_.new_tuple(std::move(items));
    }
    case ExprKind::dict: {
      charge(2);
      Dict* dict = heap_.new_dict();
      for (std::size_t i = 0; i + 1 < expr.children.size(); i += 2) {
        PythonValue key = evaluate(*expr.children[i], frame);
        dict->items.emplace_back(std::move(key), evaluate(*expr.children[i + 1], frame));
      }
      return dict;
    }
    case ExprKind::conditional: {
      const std::optional<bool> condition = truth(evaluate(*expr.children[1], frame));
      if (!condition) return unknown();
      return evaluate(*expr.children[*condition ? 0 : 2], frame);
    }
    case ExprKind::logical_and:
    case ExprKind::logical_or: {
      PythonValue left = evaluate(*expr.children[0], frame);
      const std::optional<bool> condition = truth(left);
      if (!condition) return unknown();
      return *condition == (expr.kind == ExprKind::logical_or) ? left : evaluate(*expr.children[1], frame);
    }
    case ExprKind::comprehension: return evaluate_comprehension(expr, frame);
    case ExprKind::global:
      base::fail<InvalidModel>("{} is no variable and no function that wherry knows", expr.text.substr(0, 100));
    default: base::fail<InvalidModel>("a slice outside of brackets");
  }
}

PythonValue Interpreter::evaluate_comprehension(const Expr& expr, Frame& frame) {
  const auto items = iterate(evaluate(*expr.children[1], frame));
  if (!items) return unknown();
  List* list = heap_.new_list();
  for (const PythonValue& item : *items) {
    frame.slot(expr.slot) = item;
    if (expr.children[2] != nullptr) {
      const std::optional<bool> wanted = truth(evaluate(*expr.children[2], frame));
      if (!wanted) return unknown();
      if (!*wanted) continue;
    }
    list->items.push_back(evaluate(*expr.children[0], frame));
  }
  return list;
}

PythonValue Interpreter::evaluate_subscript(const Expr& expr, Frame& frame) {
  Arguments arguments;
  arguments.positional.push_back(evaluate(*expr.children[0], frame));
  const Expr& index = *expr.children[1];
  if (index.kind != ExprKind::slice) {
    arguments.positional.push_back(evaluate(index, frame));
    return call_operation(language_operations().get_item, arguments);
  }
  const bool tensor = std::holds_alternative<TracedTensor*>(arguments[0]);
  if (tensor) arguments.positional.emplace_back(std::int64_t{0});
  for (const Expr* part : index.children) {
    arguments.positional.push_back(part != nullptr ? evaluate(*part, frame) : PythonValue(None()));
  }
  if (index.children[2] == nullptr) arguments.positional.back() = std::int64_t{1};
  return call_operation(language_operations().slice, arguments);
}

// annotate(int, tensor) is how PyTorch writes an implicit conversion.
PythonValue Interpreter::annotated(const Expr& type, PythonValue value) {
  const auto* tensor = std::get_if<TracedTensor*>(&value);
  if (tensor == nullptr || type.kind != ExprKind::operation) {
    if (tensor != nullptr && type.kind == ExprKind::global && type.text == "number") return item(**tensor);
    return value;
  }
  if (type.text != "int" && type.text != "float" && type.text != "bool") return value;
  PythonValue number = item(**tensor);
  if (type.text == "float" && as_integer(number)) return static_cast<double>(*as_integer(number));
  return number;
}

PythonValue Interpreter::evaluate_isinstance(const Expr& expr, Frame& frame) {
  const PythonValue value = evaluate(*expr.children[0], frame);
  if (is_unknown(value)) return value;
  return matches_type(value, *expr.children[1], 0);
}

bool Interpreter::matches_type(const PythonValue& value, const Expr& type, int depth) {
  if (depth > 50) base::fail<InvalidModel>("a type nested more than 50 deep");
  if (type.kind == ExprKind::tuple || type.kind == ExprKind::list) {
    return std::any_of(type.children.begin(), type.children.end(),
                       [&](const Expr* option) { return matches_type(value, *option, depth + 1); });
  }
  if (type.kind == ExprKind::none) return std::holds_alternative<None>(value);
  std::string name = type.text;
  const Expr* parameter = nullptr;
  if (type.kind == ExprKind::subscript) {
    name = type.children[0]->text;
    parameter = type.children[1];
  }
  if (name == "Any") return true;
  if (name == "NoneType") return std::holds_alternative<None>(value);
  if (name == "int") return std::holds_alternative<std::int64_t>(value);
  if (name == "float") return std::holds_alternative<double>(value);
  if (name == "bool") return std::holds_alternative<bool>(value);
  if (name == "number") return as_number(value).has_value();
  if (name == "str") return std::holds_alternative<std::string>(value);
  if (name == "Tensor") return std::holds_alternative<TracedTensor*>(value);
  if (name == "Device") return std::holds_alternative<Device>(value);
  if (name == "Optional" && parameter != nullptr) {
    return std::holds_alternative<None>(value) || matches_type(value, *parameter, depth + 1);
  }
  if (name == "Union" && parameter != nullptr) return matches_type(value, *parameter, depth + 1);
  if (name == "List" || name == "list") {
    const auto* list = std::get_if<List*>(&value);
    if (list == nullptr) return false;
    return parameter == nullptr || (*list)->items.empty() || matches_type((*list)->items[0], *parameter, depth + 1);
  }
  if (name == "Tuple" || name == "tuple") {
    const auto* tuple = std::get_if<Tuple*>(&value);
    if (tuple == nullptr) return false;
    if (parameter == nullptr) return true;
    std::vector<const Expr*> members = {parameter};
    if (parameter->kind == ExprKind::tuple) members.assign(parameter->children.begin(), parameter->children.end());
    if (members.size() != (*tuple)->items.size()) return false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (!matches_type((*tuple)->items[i], *members[i], depth + 1)) return false;
    }
    return true;
  }
  if (name == "Dict" || name == "dict") return std::holds_alternative<Dict*>(value);
  if (const auto* instance = std::get_if<Instance*>(&value)) return (*instance)->class_name == type.text;
  return false;
}

PythonValue Interpreter::qualified(const Expr& expr) {
  if (const FunctionDef* function = code_.find_function(expr.text)) {
    return new_callable({function, nullptr, nullptr, expr.text, None()});
  }
  if (const ClassDef* type = code_.find_class(expr.text)) {
    return new_callable({nullptr, type, nullptr, expr.text, None()});
  }
  // A member of a class: an enumerator, or Class.__new__.
  const std::size_t dot = expr.text.rfind('.');
  const std::string class_name = expr.text.substr(0, dot);
  const std::string member = expr.text.substr(dot + 1);
  if (const ClassDef* type = code_.find_class(class_name)) {
    if (member == "__new__") return new_callable({nullptr, type, nullptr, expr.text, None()});
    if (const FunctionDef* method = type->find_method(member)) {
      return new_callable({method, nullptr, nullptr, expr.text, None()});
    }
    const ClassDef::Field* field = type->find_field(member);
    if (field != nullptr && field->value != nullptr) {
      Frame frame;
      PythonValue value = evaluate(*field->value, frame);
      if (type->kind != ClassKind::enumeration) return value;
      Tuple* enumerator = heap_.new_tuple({member, std::move(value)});
      enumerator->names = {"name", "value"};
      return enumerator;
    }
  }
  base::fail<InvalidModel>("{} is nowhere in the archive's code", expr.text);
}

PythonValue Interpreter::constant(std::int64_t index) {
  if (index >= static_cast<std::int64_t>(constants_.size())) {
    base::fail<InvalidModel>("CONSTANTS.c{}: the archive has {} constants", index, constants_.size());
  }
  const auto i = static_cast<std::size_t>(index);
  if (std::holds_alternative<None>(constant_values_[i])) {
    constant_values_[i] = constants_[i];
    adopt(constant_values_[i], fmt::format("CONSTANTS.c{}", index), 0);
  }
  return constant_values_[i];
}

// Turns tensors of the file into traced ones, also those in lists and dicts; the same tensor always into the same.
void Interpreter::adopt(PythonValue& value, const std::string& name, int depth) {
  if (const auto* tensor = std::get_if<tensor::LazyTensorPtr>(&value)) {
    TracedTensor*& traced = attributes_[tensor->get()];
    if (traced == nullptr) traced = tracer_.attribute(*tensor, name);
    value = traced;
    return;
  }
  std::vector<PythonValue>* items = elements(value);
  const auto* dict = std::get_if<Dict*>(&value);
  if (items == nullptr && dict == nullptr) return;
  const void* container = items != nullptr ? static_cast<const void*>(items) : *dict;
  if (!adopted_.insert(container).second) return;
  if (depth > 50) base::fail<InvalidModel>("the attribute {} nests more than 50 deep", name);
  if (items != nullptr) {
    charge(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) adopt((*items)[i], fmt::format("{}.{}", name, i), depth + 1);
  } else {
    charge((*dict)->items.size());
    for (auto& [key, item] : (*dict)->items) adopt(item, name, depth + 1);
  }
}

PythonValue Interpreter::get_attribute(const PythonValue& object, const std::string& name) {
  if (is_unknown(object)) return object;
  if (const auto* pointer = std::get_if<Instance*>(&object)) {
    Instance* instance = *pointer;
    for (auto& [attribute, value] : instance->attributes) {
      if (attribute != name) continue;
      if (std::holds_alternative<Instance*>(value)) return value;
      const std::string* path = module_of(object);
      adopt(value, path == nullptr || path->empty() ? name : *path + "." + name, 0);
      const ClassDef* type = class_of(*instance);
      if (type != nullptr && !type->unit->assigned_attributes.empty()) {
        const auto& assigned = type->unit->assigned_attributes;
        if (std::find(assigned.begin(), assigned.end(), name) != assigned.end())
          attribute_reads_.emplace(instance, name);
      }
      return value;
    }
    if (const ClassDef* type = class_of(*instance)) {
      if (const FunctionDef* method = type->find_method(name)) {
        return new_callable({method, nullptr, nullptr, instance->class_name + "." + name, object});
      }
      const ClassDef::Field* field = type->find_field(name);
      if (field != nullptr && field->value != nullptr) {
        Frame frame;
        return evaluate(*field->value, frame);
      }
    }
  } else if (const auto* tuple = std::get_if<Tuple*>(&object)) {
    const auto found = std::find((*tuple)->names.begin(), (*tuple)->names.end(), name);
    const auto i = static_cast<std::size_t>(found - (*tuple)->names.begin());
    if (found != (*tuple)->names.end() && i < (*tuple)->items.size()) return (*tuple)->items[i];
  }
  base::fail<InvalidModel>("{} has no attribute {}", type_name(object), name.substr(0, 100));
}

}  // namespace wherry::import::torchscript
