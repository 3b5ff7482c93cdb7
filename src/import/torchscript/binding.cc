#include "import/torchscript/binding.h"

#include <algorithm>

#include "import/torchscript/values.h"
#include "tensor/elements.h"

namespace wherry::import::torchscript {
namespace {

Tensor scalar_tensor(const PythonValue& number) {
  if (const auto* flag = std::get_if<bool>(&number)) {
    Tensor tensor = Tensor::zeros(DType::boolean, {});
    tensor::store_int(tensor.mutable_data(), DType::boolean, 0, *flag ? 1 : 0);
    return tensor;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    return Tensor::of<std::int64_t>({}, std::span(integer, 1));
  }
  // A Python float takes part in arithmetic as the default dtype, not as float64.
  const auto value = static_cast<float>(std::get<double>(number));
  return Tensor::of<float>({}, std::span(&value, 1));
}

class Binder {
 public:
  Binder(const ir::Schema& schema, const Arguments& arguments, Tracer& tracer, bool converting)
      : schema_(schema), arguments_(arguments), tracer_(tracer), converting_(converting) {}

  std::optional<BoundCall> run() {
    if (arguments_.size() > schema_.arguments.size()) return std::nullopt;
    bound_.schema = &schema_;
    std::size_t keywords = 0;
    for (std::size_t i = 0; i < schema_.arguments.size(); ++i) {
      const ir::Argument& argument = schema_.arguments[i];
      const PythonValue* value = nullptr;
      if (i < arguments_.size()) {
        if (argument.keyword_only) return std::nullopt;
        value = &arguments_[i];
        if (arguments_.keyword(argument.name) != nullptr) return std::nullopt;
      } else if ((value = arguments_.keyword(argument.name)) != nullptr) {
        ++keywords;
      }
      if (!(value != nullptr ? place(argument, *value) : place_default(argument))) return std::nullopt;
    }
    if (keywords != arguments_.keywords.size()) return std::nullopt;
    return std::move(bound_);
  }

 private:
  bool place_default(const ir::Argument& argument) {
    if (!argument.fallback) return argument.optional && place(argument, PythonValue(None()));
    if (argument.kind == ir::ArgumentKind::tensor) {
      bound_.tensors.push_back(nullptr);
    } else if (argument.kind != ir::ArgumentKind::tensor_list && argument.kind != ir::ArgumentKind::ignored) {
      bound_.attributes[argument.name] = *argument.fallback;
    }
    return true;
  }

  bool place(const ir::Argument& argument, const PythonValue& value) {
    using Kind = ir::ArgumentKind;
    if (argument.kind == Kind::ignored) return true;
    if (std::holds_alternative<None>(value)) {
      if (!argument.optional) return false;
      if (argument.kind == Kind::tensor) {
        bound_.tensors.push_back(nullptr);
      } else {
        bound_.attributes[argument.name] = std::monostate();
      }
      return true;
    }
    if (argument.kind == Kind::tensor) return place_tensor(value);
    if (argument.kind == Kind::tensor_list) return place_tensors(value);
    const std::optional<ir::Attribute> attribute = convert(argument, value);
    if (attribute) bound_.attributes[argument.name] = *attribute;
    return attribute.has_value();
  }

  bool place_tensor(const PythonValue& value) {
    if (const auto* tensor = std::get_if<TracedTensor*>(&value)) {
      bound_.tensors.push_back(*tensor);
      return true;
    }
    const bool number = std::holds_alternative<bool>(value) || std::holds_alternative<std::int64_t>(value) ||
                        std::holds_alternative<double>(value);
    if (!converting_ || !number || bound_.tensors.empty()) return false;
    bound_.tensors.push_back(tracer_.constant(scalar_tensor(value)));
    return true;
  }

  bool place_tensors(const PythonValue& value) {
    const std::vector<PythonValue>* items = elements(value);
    if (items == nullptr) return false;
    for (const PythonValue& item : *items) {
      if (const auto* tensor = std::get_if<TracedTensor*>(&item)) {
        bound_.tensors.push_back(*tensor);
      } else if (std::holds_alternative<None>(item)) {
        bound_.tensors.push_back(nullptr);
      } else {
        return false;
      }
    }
    return true;
  }

  // A known zero-dimensional tensor where a number is wanted.
  std::optional<PythonValue> as_plain(const PythonValue& value) {
    const auto* tensor = std::get_if<TracedTensor*>(&value);
    if (tensor == nullptr) return value;
    if (!converting_) return std::nullopt;
    const std::optional<Tensor> contents = tracer_.known_contents(**tensor);
    if (!contents || contents->numel() != 1) return std::nullopt;
    if (is_floating(contents->dtype())) return PythonValue(tensor::load_double(contents->data(), contents->dtype(), 0));
    const std::int64_t integer = tensor::load_int(contents->data(), contents->dtype(), 0);
    return contents->dtype() == DType::boolean ? PythonValue(integer != 0) : PythonValue(integer);
  }

  std::optional<ir::Attribute> convert(const ir::Argument& argument, const PythonValue& original) {
    using Kind = ir::ArgumentKind;
    const std::optional<PythonValue> plain = as_plain(original);
    if (!plain) return std::nullopt;
    const PythonValue& value = *plain;
    switch (argument.kind) {
      case Kind::boolean:
        if (const auto* flag = std::get_if<bool>(&value)) return *flag;
        return std::nullopt;
      case Kind::integer:
        if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
        return std::nullopt;
      case Kind::number:
        if (const auto* number = std::get_if<double>(&value)) return *number;
        if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
        return std::nullopt;
      case Kind::scalar:
        if (const auto* flag = std::get_if<bool>(&value)) return *flag;
        if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
        if (const auto* number = std::get_if<double>(&value)) return *number;
        return std::nullopt;
      case Kind::text:
        if (const auto* text = std::get_if<std::string>(&value)) return *text;
        return std::nullopt;
      case Kind::dtype: return convert_dtype(value);
      default: return convert_list(argument, value);
    }
  }

  static std::optional<ir::Attribute> convert_dtype(const PythonValue& value) {
    if (const auto* dtype = std::get_if<DType>(&value)) return *dtype;
    const auto* code = std::get_if<std::int64_t>(&value);
    const auto dtype = code != nullptr ? dtype_of_code(*code) : std::nullopt;
    if (dtype) return *dtype;
    return std::nullopt;
  }

  std::optional<ir::Attribute> convert_list(const ir::Argument& argument, const PythonValue& value) {
    using Kind = ir::ArgumentKind;
    const std::vector<PythonValue>* items = elements(value);
    std::vector<PythonValue> repeated;
    if (items == nullptr) {
      if (argument.list_size == 0) return std::nullopt;
      repeated.assign(static_cast<std::size_t>(argument.list_size), value);
      items = &repeated;
    }
    Dims integers;
    std::vector<double> numbers;
    std::vector<bool> flags;
    for (const PythonValue& item : *items) {
      const std::optional<PythonValue> plain = as_plain(item);
      if (!plain) return std::nullopt;
      if (argument.kind == Kind::boolean_list) {
        const auto* flag = std::get_if<bool>(&*plain);
        if (flag == nullptr) return std::nullopt;
        flags.push_back(*flag);
      } else if (argument.kind == Kind::integer_list) {
        const auto* integer = std::get_if<std::int64_t>(&*plain);
        if (integer == nullptr) return std::nullopt;
        integers.push_back(*integer);
      } else {
        const auto number = as_number(*plain);
        if (!number || std::holds_alternative<bool>(*plain)) return std::nullopt;
        numbers.push_back(*number);
      }
    }
    if (argument.kind == Kind::boolean_list) return flags;
    if (argument.kind == Kind::integer_list) return integers;
    return numbers;
  }

  const ir::Schema& schema_;
  const Arguments& arguments_;
  Tracer& tracer_;
  bool converting_;
  BoundCall bound_;
};

}  // namespace

std::optional<BoundCall> bind(std::span<const ir::Schema> schemas, const Arguments& arguments, Tracer& tracer) {
  for (const bool converting : {false, true}) {
    for (const ir::Schema& schema : schemas) {
      if (auto bound = Binder(schema, arguments, tracer, converting).run()) return bound;
    }
  }
  return std::nullopt;
}

}  // namespace wherry::import::torchscript
