// Arithmetic on plain numbers, with the results TorchScript gives: / is always a float, // and % round towards minus
// infinity, integers wrap at 64 bits, floor and ceil give integers.

#include <cmath>
#include <numeric>

#include "base/check.h"
#include "import/torchscript/builtins.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript::builtins {
namespace {

using Result = std::optional<PythonValue>;

struct Pair {
  bool integers = false;  // else x and y are meant
  std::int64_t a = 0, b = 0;
  double x = 0, y = 0;
};

std::optional<Pair> pair_of(const Arguments& arguments) {
  if (arguments.size() != 2 || !arguments.keywords.empty()) return std::nullopt;
  Pair pair;
  const auto a = as_integer(arguments[0]), b = as_integer(arguments[1]);
  const auto x = as_number(arguments[0]), y = as_number(arguments[1]);
  if (!x || !y) return std::nullopt;
  pair.integers = a && b;
  if (pair.integers) {
    pair.a = *a;
    pair.b = *b;
  }
  pair.x = *x;
  pair.y = *y;
  return pair;
}

std::optional<double> only_number(const Arguments& arguments) {
  if (arguments.size() != 1 || !arguments.keywords.empty()) return std::nullopt;
  return as_number(arguments[0]);
}

std::int64_t wrapping(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void check_divisor(const Pair& pair) {
  if (pair.integers ? pair.b == 0 : pair.y == 0) base::fail<InvalidModel>("a division by zero");
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == -1) return wrapping(0 - static_cast<std::uint64_t>(a));
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Result add(Interpreter& interpreter, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return concatenate(interpreter, arguments);
  if (!pair->integers) return pair->x + pair->y;
  return wrapping(static_cast<std::uint64_t>(pair->a) + static_cast<std::uint64_t>(pair->b));
}

Result sub(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  if (!pair->integers) return pair->x - pair->y;
  return wrapping(static_cast<std::uint64_t>(pair->a) - static_cast<std::uint64_t>(pair->b));
}

Result mul(Interpreter& interpreter, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return repeat(interpreter, arguments);
  if (!pair->integers) return pair->x * pair->y;
  return wrapping(static_cast<std::uint64_t>(pair->a) * static_cast<std::uint64_t>(pair->b));
}

Result div(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  check_divisor(*pair);
  return pair->x / pair->y;
}

Result floordiv(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  check_divisor(*pair);
  if (!pair->integers) return std::floor(pair->x / pair->y);
  return floor_divide(pair->a, pair->b);
}

Result truncated_division(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  check_divisor(*pair);
  if (!pair->integers) return std::trunc(pair->x / pair->y);
  return pair->b == -1 ? wrapping(0 - static_cast<std::uint64_t>(pair->a)) : pair->a / pair->b;
}

Result remainder(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  check_divisor(*pair);
  if (pair->integers) {
    if (pair->b == -1) return std::int64_t{0};
    const std::int64_t rest = pair->a % pair->b;
    return rest != 0 && (rest < 0) != (pair->b < 0) ? rest + pair->b : rest;
  }
  const double rest = std::fmod(pair->x, pair->y);
  return rest != 0 && (rest < 0) != (pair->y < 0) ? rest + pair->y : rest;
}

Result fmod(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  check_divisor(*pair);
  return std::fmod(pair->x, pair->y);
}

Result pow(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair) return std::nullopt;
  return std::pow(pair->x, pair->y);
}

Result neg(Interpreter&, const Arguments& arguments) {
  if (!only_number(arguments)) return std::nullopt;
  if (const auto a = as_integer(arguments[0])) return wrapping(0 - static_cast<std::uint64_t>(*a));
  return -*as_number(arguments[0]);
}

Result abs(Interpreter&, const Arguments& arguments) {
  if (!only_number(arguments)) return std::nullopt;
  if (const auto a = as_integer(arguments[0])) return *a < 0 ? wrapping(0 - static_cast<std::uint64_t>(*a)) : *a;
  return std::fabs(*as_number(arguments[0]));
}

template <typename Pick>
Result extreme(Interpreter& interpreter, const Arguments& arguments, Pick pick) {
  const auto pair = pair_of(arguments);
  if (pair)
    return pair->integers ? Result(pick(pair->a, pair->b) ? pair->a : pair->b)
                          : Result(pick(pair->x, pair->y) ? pair->x : pair->y);
  if (arguments.size() == 0 || !arguments.keywords.empty()) return std::nullopt;
  const std::vector<PythonValue>* items = arguments.size() == 1 ? elements(arguments[0]) : &arguments.positional;
  if (items == nullptr) return std::nullopt;
  if (items->empty()) base::fail<InvalidModel>("the smallest or largest of nothing");
  interpreter.charge(items->size());
  const PythonValue* best = nullptr;
  for (const PythonValue& item : *items) {
    if (!as_number(item)) return std::nullopt;
    if (best == nullptr || pick(*as_number(item), *as_number(*best))) best = &item;
  }
  return *best;
}
Result min(Interpreter& interpreter, const Arguments& arguments) {
  return extreme(interpreter, arguments, [](auto a, auto b) { return a < b; });
}
Result max(Interpreter& interpreter, const Arguments& arguments) {
  return extreme(interpreter, arguments, [](auto a, auto b) { return a > b; });
}

template <typename Compare>
Result compare(const Arguments& arguments, Compare holds) {
  const auto pair = pair_of(arguments);
  if (pair) return pair->integers ? holds(pair->a, pair->b) : holds(pair->x, pair->y);
  if (arguments.size() != 2) return std::nullopt;
  const auto* a = std::get_if<std::string>(&arguments[0]);
  const auto* b = std::get_if<std::string>(&arguments[1]);
  if (a == nullptr || b == nullptr) return std::nullopt;
  return holds(*a, *b);
}
Result lt(Interpreter&, const Arguments& arguments) {
  return compare(arguments, [](const auto& a, const auto& b) { return a < b; });
}
Result gt(Interpreter&, const Arguments& arguments) {
  return compare(arguments, [](const auto& a, const auto& b) { return a > b; });
}
Result le(Interpreter&, const Arguments& arguments) {
  return compare(arguments, [](const auto& a, const auto& b) { return a <= b; });
}
Result ge(Interpreter&, const Arguments& arguments) {
  return compare(arguments, [](const auto& a, const auto& b) { return a >= b; });
}

// Tensors are compared element by element, in the graph.
std::optional<bool> equality(const Arguments& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  for (const PythonValue& value : arguments.positional) {
    if (std::holds_alternative<TracedTensor*>(value)) return std::nullopt;
  }
  return equal(arguments[0], arguments[1]);
}
Result eq(Interpreter&, const Arguments& arguments) {
  const auto result = equality(arguments);
  return result ? Result(*result) : std::nullopt;
}
Result ne(Interpreter&, const Arguments& arguments) {
  const auto result = equality(arguments);
  return result ? Result(!*result) : std::nullopt;
}

template <typename Combine>
Result bitwise(const Arguments& arguments, Combine combine) {
  const auto pair = pair_of(arguments);
  if (!pair || !pair->integers) return std::nullopt;
  const auto result = combine(static_cast<std::uint64_t>(pair->a), static_cast<std::uint64_t>(pair->b));
  const bool flags = std::holds_alternative<bool>(arguments[0]) && std::holds_alternative<bool>(arguments[1]);
  return flags ? PythonValue(result != 0) : PythonValue(wrapping(result));
}
Result bit_and(Interpreter&, const Arguments& arguments) {
  return bitwise(arguments, [](std::uint64_t a, std::uint64_t b) { return a & b; });
}
Result bit_or(Interpreter&, const Arguments& arguments) {
  return bitwise(arguments, [](std::uint64_t a, std::uint64_t b) { return a | b; });
}
Result bit_xor(Interpreter&, const Arguments& arguments) {
  return bitwise(arguments, [](std::uint64_t a, std::uint64_t b) { return a ^ b; });
}
Result shift_left(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair || !pair->integers) return std::nullopt;
  return pair->b < 0 || pair->b > 63 ? std::int64_t{0} : wrapping(static_cast<std::uint64_t>(pair->a) << pair->b);
}
Result shift_right(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair || !pair->integers) return std::nullopt;
  return pair->b < 0 || pair->b > 63 ? std::int64_t{0} : pair->a >> pair->b;
}

Result logical_not(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  const auto truth = interpreter.truth(arguments[0]);
  return truth ? PythonValue(!*truth) : interpreter.unknown();
}

std::int64_t to_integer(double value) {
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) {
    base::fail<InvalidModel>("{} is no 64-bit integer", value);
  }
  return static_cast<std::int64_t>(value);
}

Result to_int(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  PythonValue value = arguments[0];
  if (const auto* tensor = std::get_if<TracedTensor*>(&value)) value = interpreter.item(**tensor);
  if (interpreter.is_unknown(value)) return value;
  if (const auto integer = as_integer(value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return to_integer(*number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    try {
      std::size_t end = 0;
      const long long integer = std::stoll(*text, &end);
      if (end == text->size()) return static_cast<std::int64_t>(integer);
    } catch (const std::logic_error&) {
    }
    base::fail<InvalidModel>("int(\"{}\")", text->substr(0, 50));
  }
  return std::nullopt;
}

Result to_float(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  PythonValue value = arguments[0];
  if (const auto* tensor = std::get_if<TracedTensor*>(&value)) value = interpreter.item(**tensor);
  if (interpreter.is_unknown(value)) return value;
  if (const auto number = as_number(value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) {
    try {
      std::size_t end = 0;
      const double number = std::stod(*text, &end);  // reads inf and nan too
      if (end == text->size()) return number;
    } catch (const std::logic_error&) {
    }
    base::fail<InvalidModel>("float(\"{}\")", text->substr(0, 50));
  }
  return std::nullopt;
}

Result to_bool(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  const auto truth = interpreter.truth(arguments[0]);
  return truth ? PythonValue(*truth) : interpreter.unknown();
}

template <double (*function)(double)>
Result real(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  if (!number) return std::nullopt;
  return function(*number);
}

double degrees(double radians) { return radians * 180 / M_PI; }
double radians(double degrees) { return degrees * M_PI / 180; }
// Ties go to the even neighbour, in Python and in the default rounding mode.
double round_even(double value) { return std::nearbyint(value); }

Result floor(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  return number ? Result(to_integer(std::floor(*number))) : std::nullopt;
}
Result ceil(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  return number ? Result(to_integer(std::ceil(*number))) : std::nullopt;
}
Result trunc(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  return number ? Result(to_integer(std::trunc(*number))) : std::nullopt;
}
Result isnan(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  return number ? Result(std::isnan(*number)) : std::nullopt;
}
Result isinf(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  return number ? Result(std::isinf(*number)) : std::nullopt;
}
Result isfinite(Interpreter&, const Arguments& arguments) {
  const auto number = only_number(arguments);
  return number ? Result(std::isfinite(*number)) : std::nullopt;
}
Result atan2(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  return pair ? Result(std::atan2(pair->x, pair->y)) : std::nullopt;
}
Result copysign(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  return pair ? Result(std::copysign(pair->x, pair->y)) : std::nullopt;
}
Result gcd(Interpreter&, const Arguments& arguments) {
  const auto pair = pair_of(arguments);
  if (!pair || !pair->integers || pair->a == INT64_MIN || pair->b == INT64_MIN) return std::nullopt;
  return std::gcd(pair->a, pair->b);
}

/// How often a loop from `start` by `step` runs before `end`, as unsigned arithmetic that cannot overflow.
std::int64_t range_length(std::int64_t start, std::int64_t end, std::int64_t step) {
  if (step == 0) base::fail<InvalidModel>("a range with step 0");
  if (step > 0 ? start >= end : start <= end) return 0;
  const std::uint64_t distance = step > 0 ? static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(start)
                                          : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(end);
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  return wrapping((distance - 1) / stride + 1);
}

Result length_of_range(Interpreter&, const Arguments& arguments) {
  if (arguments.size() != 3) return std::nullopt;
  const auto start = as_integer(arguments[0]), end = as_integer(arguments[1]), step = as_integer(arguments[2]);
  if (!start || !end || !step) return std::nullopt;
  return range_length(*start, *end, *step);
}

Result derive_index(Interpreter&, const Arguments& arguments) {
  if (arguments.size() != 3) return std::nullopt;
  const auto index = as_integer(arguments[0]), start = as_integer(arguments[1]), step = as_integer(arguments[2]);
  if (!index || !start || !step) return std::nullopt;
  return wrapping(static_cast<std::uint64_t>(*start) +
                  static_cast<std::uint64_t>(*index) * static_cast<std::uint64_t>(*step));
}

Result range(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() < 1 || arguments.size() > 3) return std::nullopt;
  std::int64_t parts[3] = {0, 0, 1};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto part = as_integer(arguments[i]);
    if (!part) return std::nullopt;
    parts[arguments.size() == 1 ? 1 : i] = *part;
  }
  const std::int64_t length = range_length(parts[0], parts[1], parts[2]);
  interpreter.charge(static_cast<std::size_t>(length));
  std::vector<PythonValue> items;
  items.reserve(static_cast<std::size_t>(length));
  for (std::int64_t i = 0, value = parts[0]; i < length; ++i) {
    items.emplace_back(value);
    value = wrapping(static_cast<std::uint64_t>(value) + static_cast<std::uint64_t>(parts[2]));
  }
  return interpreter.heap().new_list(std::move(items));
}

constexpr Entry kNumbers[] = {
    {"aten::add", add},
    {"aten::sub", sub},
    {"aten::mul", mul},
    {"aten::div", div},
    {"aten::truediv", div},
    {"aten::floordiv", floordiv},
    {"aten::floor_divide", floordiv},
    {"aten::__round_to_zero_floordiv", truncated_division},
    {"aten::remainder", remainder},
    {"aten::mod", remainder},
    {"aten::fmod", fmod},
    {"aten::pow", pow},
    {"aten::neg", neg},
    {"aten::abs", abs},
    {"prim::abs", abs},
    {"builtin::abs", abs},
    {"prim::min", min},
    {"prim::max", max},
    {"aten::min", min},
    {"aten::max", max},
    {"builtin::min", min},
    {"builtin::max", max},
    {"aten::lt", lt},
    {"aten::gt", gt},
    {"aten::le", le},
    {"aten::ge", ge},
    {"aten::eq", eq},
    {"aten::ne", ne},
    {"aten::__and__", bit_and},
    {"aten::__or__", bit_or},
    {"aten::__xor__", bit_xor},
    {"aten::__lshift__", shift_left},
    {"aten::__rshift__", shift_right},
    {"aten::__not__", logical_not},
    {"builtin::int", to_int},
    {"builtin::float", to_float},
    {"builtin::bool", to_bool},
    {"aten::Int", to_int},
    {"aten::Float", to_float},
    {"aten::Bool", to_bool},
    {"aten::IntImplicit", to_int},
    {"aten::FloatImplicit", to_float},
    {"aten::sqrt", real<std::sqrt>},
    {"aten::exp", real<std::exp>},
    {"aten::expm1", real<std::expm1>},
    {"aten::log", real<std::log>},
    {"aten::log2", real<std::log2>},
    {"aten::log10", real<std::log10>},
    {"aten::log1p", real<std::log1p>},
    {"aten::sin", real<std::sin>},
    {"aten::cos", real<std::cos>},
    {"aten::tan", real<std::tan>},
    {"aten::asin", real<std::asin>},
    {"aten::acos", real<std::acos>},
    {"aten::atan", real<std::atan>},
    {"aten::sinh", real<std::sinh>},
    {"aten::cosh", real<std::cosh>},
    {"aten::tanh", real<std::tanh>},
    {"aten::erf", real<std::erf>},
    {"aten::degrees", real<degrees>},
    {"aten::radians", real<radians>},
    {"aten::round", real<round_even>},
    {"builtin::round", real<round_even>},
    {"aten::floor", floor},
    {"aten::ceil", ceil},
    {"aten::trunc", trunc},
    {"aten::isnan", isnan},
    {"aten::isinf", isinf},
    {"aten::isfinite", isfinite},
    {"aten::atan2", atan2},
    {"aten::copysign", copysign},
    {"aten::gcd", gcd},
    {"aten::__range_length", length_of_range},
    {"aten::__derive_index", derive_index},
    {"builtin::range", range},
};

}  // namespace

std::span<const Entry> numbers() { return kNumbers; }

}  // namespace wherry::import::torchscript::builtins
