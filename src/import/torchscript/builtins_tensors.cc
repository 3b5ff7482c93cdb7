// What plain code asks of tensors and what it makes them from: sizes, dtypes, and numbers in both directions.

#include "base/check.h"
#include "import/torchscript/builtins.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"
#include "tensor/elements.h"

namespace wherry::import::torchscript::builtins {
namespace {

using Result = std::optional<PythonValue>;

/// The type of the tensor at position i; empty where there is none, or where nothing is known of it.
std::optional<ir::TensorType> type_at(Interpreter& interpreter, const Arguments& arguments, std::size_t i = 0) {
  if (i >= arguments.size()) return std::nullopt;
  const auto* tensor = std::get_if<TracedTensor*>(&arguments[i]);
  if (tensor == nullptr) return std::nullopt;
  const ir::Value* value = interpreter.tracer().read(**tensor);
  if (value == nullptr) return std::nullopt;
  return value->type();
}

List* integer_list(Interpreter& interpreter, const Dims& values) {
  interpreter.charge(values.size() + 2);
  return interpreter.heap().new_list({values.begin(), values.end()});
}

Result size(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  if (!type) return std::nullopt;
  const PythonValue* dim = arguments.size() > 1 ? &arguments[1] : arguments.keyword("dim");
  if (dim == nullptr || std::holds_alternative<None>(*dim)) return integer_list(interpreter, type->sizes);
  const auto index = as_integer(*dim);
  const auto rank = static_cast<std::int64_t>(type->sizes.size());
  if (!index) return std::nullopt;
  if (*index < -rank || *index >= rank) {
    base::fail<InvalidInput>("size({}) of a tensor of shape {}", *index, to_string(type->sizes));
  }
  return type->sizes[static_cast<std::size_t>(*index < 0 ? *index + rank : *index)];
}

Result dim(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  return type ? Result(static_cast<std::int64_t>(type->sizes.size())) : std::nullopt;
}
Result numel(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  return type ? Result(type->numel()) : std::nullopt;
}
Result dtype(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  return type ? Result(code_of_dtype(type->dtype)) : std::nullopt;
}
Result is_floating_point(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  return type ? Result(is_floating(type->dtype)) : std::nullopt;
}
Result never_complex(Interpreter& interpreter, const Arguments& arguments) {
  return type_at(interpreter, arguments) ? Result(false) : std::nullopt;
}
Result element_size(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  return type ? Result(static_cast<std::int64_t>(size_of(type->dtype))) : std::nullopt;
}
// Code asks this before it calls contiguous(), which changes no values.
Result is_contiguous(Interpreter& interpreter, const Arguments& arguments) {
  return type_at(interpreter, arguments) ? Result(true) : std::nullopt;
}
Result is_same_size(Interpreter& interpreter, const Arguments& arguments) {
  const auto a = type_at(interpreter, arguments, 0), b = type_at(interpreter, arguments, 1);
  return a && b ? Result(a->sizes == b->sizes) : std::nullopt;
}

Result item(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  if (const auto* tensor = std::get_if<TracedTensor*>(&arguments[0])) return interpreter.item(**tensor);
  return as_number(arguments[0]) ? Result(arguments[0]) : std::nullopt;
}

Result is_nonzero(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1 || !std::holds_alternative<TracedTensor*>(arguments[0])) return std::nullopt;
  const auto truth = interpreter.truth(arguments[0]);
  return truth ? PythonValue(*truth) : interpreter.unknown();
}

Result to_list(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  if (!type || arguments.size() != 1) return std::nullopt;
  const std::optional<Tensor> contents = interpreter.tracer().known_contents(*std::get<TracedTensor*>(arguments[0]));
  if (!contents) {
    interpreter.tracer().report("a list read from a tensor that depends on the input");
    return interpreter.unknown();
  }
  interpreter.charge(static_cast<std::size_t>(contents->numel()) * 2);
  std::vector<PythonValue> items;
  for (std::int64_t i = 0; i < contents->numel(); ++i) {
    if (is_floating(contents->dtype())) {
      items.emplace_back(tensor::load_double(contents->data(), contents->dtype(), i));
    } else if (contents->dtype() == DType::boolean) {
      items.emplace_back(tensor::load_int(contents->data(), contents->dtype(), i) != 0);
    } else {
      items.emplace_back(tensor::load_int(contents->data(), contents->dtype(), i));
    }
  }
  if (contents->dim() == 0) return items.front();
  // Group from the innermost dimension outwards.
  for (auto extent = contents->sizes().rbegin(); extent + 1 != contents->sizes().rend(); ++extent) {
    std::vector<PythonValue> groups;
    if (*extent == 0) return std::nullopt;
    for (std::size_t at = 0; at < items.size(); at += static_cast<std::size_t>(*extent)) {
      const auto begin = items.begin() + static_cast<std::ptrdiff_t>(at);
      groups.emplace_back(interpreter.heap().new_list({begin, begin + static_cast<std::ptrdiff_t>(*extent)}));
    }
    items = std::move(groups);
  }
  return interpreter.heap().new_list(std::move(items));
}

/// A number, or nested lists of numbers, flattened in order. False where the rows differ in length or an element is
/// none.
bool flatten(Interpreter& interpreter, const PythonValue& value, std::size_t depth, Dims& sizes,
             std::vector<PythonValue>& numbers) {
  if (depth > 16) return false;
  const std::vector<PythonValue>* items = elements(value);
  if (items == nullptr) {
    PythonValue number = value;
    if (const auto* tensor = std::get_if<TracedTensor*>(&value)) number = interpreter.item(**tensor);
    if (!as_number(number)) return false;
    if (sizes.size() != depth) return false;
    interpreter.charge(1);
    numbers.push_back(std::move(number));
    return true;
  }
  if (sizes.size() == depth) {
    if (!numbers.empty()) return false;
    sizes.push_back(static_cast<std::int64_t>(items->size()));
  }
  if (sizes[depth] != static_cast<std::int64_t>(items->size())) return false;
  for (const PythonValue& item : *items) {
    if (!flatten(interpreter, item, depth + 1, sizes, numbers)) return false;
  }
  return true;
}

// torch.tensor(data, dtype=…): nested lists of numbers.
Result tensor_of(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() < 1) return std::nullopt;
  Dims sizes;
  std::vector<PythonValue> numbers;
  if (!flatten(interpreter, arguments[0], 0, sizes, numbers)) return std::nullopt;
  DType dtype = numbers.empty() ? DType::f32 : DType::boolean;
  for (const PythonValue& number : numbers) {
    if (std::holds_alternative<double>(number)) {
      dtype = DType::f32;
      break;
    }
    if (std::holds_alternative<std::int64_t>(number)) dtype = DType::i64;
  }
  const PythonValue* wanted = arguments.size() > 1 ? &arguments[1] : arguments.keyword("dtype");
  if (wanted != nullptr && !std::holds_alternative<None>(*wanted)) {
    const auto code = as_integer(*wanted);
    const auto known = code ? dtype_of_code(*code) : std::nullopt;
    if (!known) return std::nullopt;
    dtype = *known;
  }
  Tensor tensor = Tensor::zeros(dtype, sizes);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    if (const auto integer = as_integer(numbers[i])) {
      tensor::store_int(tensor.mutable_data(), dtype, at, *integer);
    } else {
      tensor::store_double(tensor.mutable_data(), dtype, at, *as_number(numbers[i]));
    }
  }
  return interpreter.tracer().constant(std::move(tensor));
}

Result as_tensor(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() == 1 && arguments.keywords.empty() && std::holds_alternative<TracedTensor*>(arguments[0])) {
    return arguments[0];
  }
  return tensor_of(interpreter, arguments);
}

// A traced size: a number that goes through tensor arithmetic before it comes back as a number.
Result number_to_tensor(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1 || !as_number(arguments[0])) return std::nullopt;
  if (const auto* number = std::get_if<double>(&arguments[0])) {
    return interpreter.tracer().constant(Tensor::of<double>({}, std::span(number, 1)));
  }
  return tensor_of(interpreter, arguments);
}

Result shape_as_tensor(Interpreter& interpreter, const Arguments& arguments) {
  const auto type = type_at(interpreter, arguments);
  if (!type) return std::nullopt;
  const Dims& sizes = type->sizes;
  return interpreter.tracer().constant(
      Tensor::of<std::int64_t>({static_cast<std::int64_t>(sizes.size())}, std::span(sizes.data(), sizes.size())));
}

Result infer_size(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  const auto* a = elements(arguments[0]);
  const auto* b = elements(arguments[1]);
  if (a == nullptr || b == nullptr) return std::nullopt;
  interpreter.charge(a->size() + b->size());
  Dims sizes(std::max(a->size(), b->size()), 1);
  for (const auto* shape : {a, b}) {
    for (std::size_t i = 0; i < shape->size(); ++i) {
      const auto extent = as_integer((*shape)[shape->size() - 1 - i]);
      if (!extent) return std::nullopt;
      std::int64_t& size = sizes[sizes.size() - 1 - i];
      if (*extent != 1 && size != 1 && size != *extent) {
        base::fail<InvalidInput>("shapes {} and {} do not broadcast", to_text(arguments[0]), to_text(arguments[1]));
      }
      if (*extent != 1) size = *extent;
    }
  }
  return integer_list(interpreter, sizes);
}

Result same_contents(Interpreter& interpreter, const Arguments& arguments) {
  const auto a = type_at(interpreter, arguments, 0), b = type_at(interpreter, arguments, 1);
  if (!a || !b || arguments.size() != 2) return std::nullopt;
  if (a->sizes != b->sizes) return false;
  const auto x = interpreter.tracer().known_contents(*std::get<TracedTensor*>(arguments[0]));
  const auto y = interpreter.tracer().known_contents(*std::get<TracedTensor*>(arguments[1]));
  if (!x || !y) {
    interpreter.tracer().report("a comparison of tensors that depends on the input");
    return interpreter.unknown();
  }
  for (std::int64_t i = 0; i < x->numel(); ++i) {
    if (tensor::load_double(x->data(), x->dtype(), i) != tensor::load_double(y->data(), y->dtype(), i)) return false;
  }
  return true;
}

constexpr Entry kTensors[] = {
    {"aten::size", size},
    {"prim::shape", size},
    {"aten::dim", dim},
    {"aten::ndimension", dim},
    {"prim::ndim", dim},
    {"aten::numel", numel},
    {"prim::dtype", dtype},
    {"aten::is_floating_point", is_floating_point},
    {"aten::is_complex", never_complex},
    {"aten::element_size", element_size},
    {"prim::itemsize", element_size},
    {"aten::is_contiguous", is_contiguous},
    {"aten::is_same_size", is_same_size},
    {"aten::item", item},
    {"aten::ScalarImplicit", item},
    {"aten::is_nonzero", is_nonzero},
    {"aten::tolist", to_list},
    {"prim::tolist", to_list},
    {"aten::tensor", tensor_of},
    {"aten::as_tensor", as_tensor},
    {"prim::NumToTensor", number_to_tensor},
    {"aten::_shape_as_tensor", shape_as_tensor},
    {"aten::_infer_size", infer_size},
    {"aten::broadcast_shapes", infer_size},
    {"aten::equal", same_contents},
};

}  // namespace

std::span<const Entry> tensors() { return kTensors; }

}  // namespace wherry::import::torchscript::builtins
