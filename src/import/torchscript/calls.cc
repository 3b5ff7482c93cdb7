// The interpreter's calls: of functions and methods of the archive's code, of classes, of operators.

#include <algorithm>

#include "base/check.h"
#include "import/torchscript/binding.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript {
namespace {

/// "(Tensor, int, dim=List[int])": the arguments of a call that fits no form we have.
std::string signature(const Arguments& arguments) {
  const auto type = [](const PythonValue& value) -> std::string {
    if (std::holds_alternative<TracedTensor*>(value)) return "Tensor";
    if (const auto* items = elements(value)) {
      if (items->empty()) return "List";
      const bool tensors = std::holds_alternative<TracedTensor*>(items->front());
      return fmt::format("List[{}]", tensors ? "Tensor" : type_name(items->front()));
    }
    return type_name(value);
  };
  std::string text;
  for (const PythonValue& value : arguments.positional) text += (text.empty() ? "" : ", ") + type(value);
  for (const auto& [name, value] : arguments.keywords) {
    text += (text.empty() ? "" : ", ") + fmt::format("{}={}", name, type(value));
  }
  return "(" + text + ")";
}

}  // namespace

Arguments Interpreter::evaluate_arguments(const Expr& call, Frame& frame) {
  Arguments arguments;
  const std::size_t count = call.children.size() - 1;
  const std::size_t positional = count - call.keywords.size();
  arguments.positional.reserve(positional + 1);
  for (std::size_t i = 0; i < count; ++i) {
    PythonValue value = evaluate(*call.children[i + 1], frame);
    if (i < positional) {
      arguments.positional.push_back(std::move(value));
    } else {
      arguments.keywords.emplace_back(call.keywords[i - positional], std::move(value));
    }
  }
  return arguments;
}

PythonValue Interpreter::evaluate_call(const Expr& expr, Frame& frame) {
  const Expr& callee = *expr.children[0];
  if (callee.kind == ExprKind::operation) {
    const Arguments arguments = evaluate_arguments(expr, frame);
    stack_.back().offset = expr.offset;
    return call_operation(*callee.operation, arguments);
  }
  if (callee.kind != ExprKind::attribute) {
    const PythonValue target = evaluate(callee, frame);
    Arguments arguments = evaluate_arguments(expr, frame);
    stack_.back().offset = expr.offset;
    if (const auto* callable = std::get_if<Callable*>(&target)) return call(**callable, std::move(arguments));
    if (is_unknown(target)) return target;
    base::fail<InvalidModel>("{} is called, which is no function", type_name(target));
  }
  PythonValue object = evaluate(*callee.children[0], frame);
  Arguments arguments = evaluate_arguments(expr, frame);
  stack_.back().offset = expr.offset;
  if (const auto* pointer = std::get_if<Instance*>(&object)) {
    const ClassDef* type = class_of(**pointer);
    if (type == nullptr) base::fail<InvalidModel>("the code of class {} is missing", (*pointer)->class_name);
    if (const FunctionDef* method = type->find_method(callee.text)) {
      arguments.positional.insert(arguments.positional.begin(), std::move(object));
      return call_function(*method, std::move(arguments));
    }
    const PythonValue target = get_attribute(object, callee.text);
    if (const auto* callable = std::get_if<Callable*>(&target)) return call(**callable, std::move(arguments));
    base::fail<InvalidModel>("class {} has no method {}", (*pointer)->class_name, callee.text);
  }
  arguments.positional.insert(arguments.positional.begin(), std::move(object));
  return call_operation(*callee.operation, arguments);
}

PythonValue Interpreter::call(const Callable& callable, Arguments arguments) {
  if (callable.type != nullptr) return make_object(*callable.type, callable.name, std::move(arguments));
  if (callable.operation != nullptr) return call_operation(*callable.operation, arguments);
  if (!std::holds_alternative<None>(callable.self)) {
    arguments.positional.insert(arguments.positional.begin(), callable.self);
  }
  return call_function(*callable.function, std::move(arguments));
}

PythonValue Interpreter::call_function(const FunctionDef& function, Arguments arguments) {
  const Nesting nesting(*this);
  charge(function.locals.size());
  const std::string* module = arguments.size() > 0 ? module_of(arguments[0]) : nullptr;
  const std::string* type = &no_module_;
  if (module != nullptr) {
    type = &std::get<Instance*>(arguments[0])->class_name;
  } else {
    module = stack_.empty() ? &no_module_ : stack_.back().module;
    if (!stack_.empty()) type = stack_.back().type;
  }

  Frame frame;
  frame.function = &function;
  frame.slots.resize(function.locals.size());
  if (arguments.size() > function.parameters.size()) {
    base::fail<InvalidModel>("{} takes {} arguments, found {}", function.name, function.parameters.size(),
                             arguments.size());
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) frame.slots[i] = std::move(arguments.positional[i]);
  for (auto& [name, value] : arguments.keywords) {
    const auto found =
        std::find_if(function.parameters.begin(), function.parameters.end(),
                     [&, keyword = name](const Parameter& parameter) { return parameter.name == keyword; });
    const auto i = static_cast<std::size_t>(found - function.parameters.begin());
    if (found == function.parameters.end() || frame.slots[i]) {
      base::fail<InvalidModel>("{} takes no further argument {}", function.name, name);
    }
    frame.slots[i] = std::move(value);
  }

  stack_.push_back({&function, function.offset, module, type});
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    if (frame.slots[i]) continue;
    const Expr* fallback = function.parameters[i].fallback;
    if (fallback == nullptr) {
      base::fail<InvalidModel>("{} misses its argument {}", function.name, function.parameters[i].name);
    }
    frame.slots[i] = evaluate(*fallback, frame);
  }
  run_block(function.body, frame);
  stack_.pop_back();
  return std::move(frame.result);
}

PythonValue Interpreter::make_object(const ClassDef& type, const std::string& name, Arguments arguments) {
  charge(4);
  if (type.kind == ClassKind::named_tuple) {
    Tuple* tuple = heap_.new_tuple();
    for (std::size_t i = 0; i < type.fields.size(); ++i) {
      const ClassDef::Field& field = type.fields[i];
      const PythonValue* keyword = arguments.keyword(field.name);
      tuple->names.push_back(field.name);
      if (i < arguments.size()) {
        tuple->items.push_back(arguments[i]);
      } else if (keyword != nullptr) {
        tuple->items.push_back(*keyword);
      } else if (field.value != nullptr) {
        Frame frame;
        tuple->items.push_back(evaluate(*field.value, frame));
      } else {
        base::fail<InvalidModel>("{} misses its field {}", type.name, field.name);
      }
    }
    return tuple;
  }
  constexpr std::string_view kNew = ".__new__";
  const bool bare = name.ends_with(kNew);
  Instance* instance = heap_.new_instance(bare ? name.substr(0, name.size() - kNew.size()) : name);
  if (bare) return instance;
  if (const FunctionDef* init = type.find_method("__init__")) {
    arguments.positional.insert(arguments.positional.begin(), instance);
    call_function(*init, std::move(arguments));
  }
  return instance;
}

void Interpreter::charge_lists(const Arguments& arguments) {
  const auto charge_items = [this](const PythonValue& value) {
    if (const auto* items = elements(value)) charge(items->size());
  };
  for (const PythonValue& value : arguments.positional) charge_items(value);
  for (const auto& [name, value] : arguments.keywords) charge_items(value);
}

bool Interpreter::reads_unknown(const Arguments& arguments) const {
  const auto unknown_inside = [this](const PythonValue& value) {
    if (is_unknown(value)) return true;
    const auto* items = elements(value);
    return items != nullptr &&
           std::any_of(items->begin(), items->end(), [this](const PythonValue& item) { return is_unknown(item); });
  };
  return std::any_of(arguments.positional.begin(), arguments.positional.end(), unknown_inside) ||
         std::any_of(arguments.keywords.begin(), arguments.keywords.end(),
                     [&](const auto& keyword) { return unknown_inside(keyword.second); });
}

PythonValue Interpreter::call_operation(const Operation& operation, const Arguments& arguments) {
  charge(1);
  if (!operation.known()) {
    tracer_.report(operation.name);
    return unknown();
  }
  if (!tracer_.complete()) charge_lists(arguments);
  const bool lost = !tracer_.complete() && reads_unknown(arguments);
  if (operation.builtin != nullptr && (!lost || operation.takes_unknown)) {
    if (std::optional<PythonValue> result = operation.builtin(*this, arguments)) return std::move(*result);
  }
  if (lost) {
    const bool inplace = !operation.schemas.empty() && operation.schemas.front().inplace;
    if (inplace && arguments.size() > 0) {
      if (const auto* target = std::get_if<TracedTensor*>(&arguments[0])) {
        tracer_.forget(**target);
        return arguments[0];
      }
    }
    return unknown();
  }
  return record(operation, arguments);
}

PythonValue Interpreter::record(const Operation& operation, const Arguments& arguments) {
  charge_lists(arguments);
  const std::optional<BoundCall> bound = bind(operation.schemas, arguments, tracer_);
  if (!bound) {
    tracer_.report(operation.name + signature(arguments));
    return unknown();
  }
  const std::vector<TracedTensor*> results = tracer_.call(*bound);
  if (results.empty()) return unknown();
  charge(results.size());
  if (!bound->schema->output_list && results.size() == 1) return results[0];
  std::vector<PythonValue> values(results.begin(), results.end());
  if (bound->schema->output_list) return heap_.new_list(std::move(values));
  Tuple* tuple = heap_.new_tuple(std::move(values));
  tuple->names = bound->schema->output_names;
  return tuple;
}

}  // namespace wherry::import::torchscript
