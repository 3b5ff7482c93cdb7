// What the language needs besides data: None, exceptions, attributes, and the switches of a running PyTorch, which an
// engine for evaluation answers once and for all.

#include "base/check.h"
#include "import/torchscript/builtins.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript::builtins {
namespace {

using Result = std::optional<PythonValue>;

// `is` is only ever written for None, and for booleans and enumerators, where it agrees with ==.
std::optional<bool> identical(const Arguments& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  return equal(arguments[0], arguments[1]);
}
Result is(Interpreter&, const Arguments& arguments) {
  const auto same = identical(arguments);
  return same ? Result(*same) : std::nullopt;
}
Result is_not(Interpreter&, const Arguments& arguments) {
  const auto same = identical(arguments);
  return same ? Result(!*same) : std::nullopt;
}

Result raise(Interpreter& interpreter, const Arguments& arguments) {
  interpreter.raise(arguments.size() > 0 ? to_text(arguments[0], false, 2000) : "an exception");
}

Result first(Interpreter&, const Arguments& arguments) {
  return arguments.size() > 0 ? Result(arguments[0]) : std::nullopt;
}

Result unwrap(Interpreter&, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  if (std::holds_alternative<None>(arguments[0])) base::fail<InvalidModel>("None where a value is promised");
  return arguments[0];
}

Result nothing(Interpreter&, const Arguments&) { return None(); }
Result yes(Interpreter&, const Arguments&) { return true; }
Result no(Interpreter&, const Arguments&) { return false; }

// Every tensor lies in the memory of the CPU, wherever the model was traced.
Result cpu(Interpreter&, const Arguments&) { return Device{"cpu"}; }
Result device_type(Interpreter&, const Arguments& arguments) {
  const auto* device = arguments.size() == 1 ? std::get_if<Device>(&arguments[0]) : nullptr;
  return device != nullptr ? Result(device->name.substr(0, device->name.find(':'))) : std::nullopt;
}
Result no_device_index(Interpreter&, const Arguments&) { return std::int64_t{-1}; }
Result strided(Interpreter&, const Arguments&) { return std::int64_t{0}; }

Result get_attribute(Interpreter& interpreter, const Arguments& arguments) {
  const auto* name = arguments.size() >= 2 ? std::get_if<std::string>(&arguments[1]) : nullptr;
  if (name == nullptr) return std::nullopt;
  return interpreter.get_attribute(arguments[0], *name);
}

Result has_attribute(Interpreter&, const Arguments& arguments) {
  const auto* name = arguments.size() == 2 ? std::get_if<std::string>(&arguments[1]) : nullptr;
  const auto* instance = arguments.size() == 2 ? std::get_if<Instance*>(&arguments[0]) : nullptr;
  if (name == nullptr || instance == nullptr) return std::nullopt;
  return (*instance)->find(*name) != nullptr;
}

constexpr Entry kPrimitives[] = {
    {"aten::__is__", is, true},
    {"aten::__isnot__", is_not, true},
    {"prim::RaiseException", raise, true},
    {"prim::unchecked_cast", first, true},
    {"prim::unchecked_unwrap_optional", unwrap, true},
    {"aten::_unwrap_optional", unwrap, true},
    {"prim::data", first, true},
    {"prim::Print", nothing, true},
    {"builtin::print", nothing, true},
    {"aten::warn", nothing, true},
    {"aten::_assert", nothing, true},
    {"aten::_assert_tensor_metadata", nothing, true},
    {"aten::manual_seed", nothing, true},
    {"aten::set_grad_enabled", nothing, true},
    {"aten::is_grad_enabled", no},
    {"aten::is_scripting", yes},
    {"aten::is_tracing", no},
    {"aten::is_autocast_enabled", no},
    {"aten::is_autocast_cpu_enabled", no},
    {"aten::has_torch_function", no, true},
    {"aten::has_torch_function_unary", no, true},
    {"aten::has_torch_function_variadic", no, true},
    {"aten::device", cpu, true},
    {"prim::device", cpu, true},
    {"prim::type", device_type},
    {"aten::cpu", first, true},
    {"aten::cuda", first, true},
    {"aten::get_device", no_device_index, true},
    {"prim::is_cuda", no, true},
    {"prim::is_xpu", no, true},
    {"prim::is_mps", no, true},
    {"prim::is_meta", no, true},
    {"prim::is_mkldnn", no, true},
    {"prim::is_quantized", no, true},
    {"prim::is_sparse", no, true},
    {"prim::is_nested", no, true},
    {"prim::is_ipu", no, true},
    {"prim::is_vulkan", no, true},
    {"prim::is_mtia", no, true},
    {"prim::is_maia", no, true},
    {"prim::requires_grad", no, true},
    {"prim::grad", nothing, true},
    {"prim::layout", strided, true},
    {"aten::requires_grad_", first, true},
    {"aten::retain_grad", nothing, true},
    {"builtin::getattr", get_attribute, true},
    {"builtin::hasattr", has_attribute, true},
};

}  // namespace

std::span<const Entry> primitives() { return kPrimitives; }

}  // namespace wherry::import::torchscript::builtins
