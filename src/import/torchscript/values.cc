#include "import/torchscript/values.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace wherry::import::torchscript {
namespace {

constexpr int kMaxDepth = 100;
/// Lists that contain one list twice, and so on downwards, make comparing them exponential.
constexpr int kMaxComparisons = 1'000'000;

constexpr std::array<std::pair<std::int64_t, DType>, 10> kDTypeCodes = {{{0, DType::u8},
                                                                         {1, DType::i8},
                                                                         {2, DType::i16},
                                                                         {3, DType::i32},
                                                                         {4, DType::i64},
                                                                         {5, DType::f16},
                                                                         {6, DType::f32},
                                                                         {7, DType::f64},
                                                                         {11, DType::boolean},
                                                                         {15, DType::bf16}}};

/// How deep a comparison is, and how many elements it may still look at.
struct Comparison {
  int depth = 0;
  int left = kMaxComparisons;
};

bool equal_at(const PythonValue& a, const PythonValue& b, Comparison& at);

bool equal_items(const std::vector<PythonValue>& a, const std::vector<PythonValue>& b, Comparison& at) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equal_at(a[i], b[i], at)) return false;
  }
  return true;
}

bool equal_dicts(const Dict& a, const Dict& b, Comparison& at) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    bool found = false;
    for (const auto& [other_key, other_value] : b.items) {
      if (!equal_at(key, other_key, at)) continue;
      if (!equal_at(value, other_value, at)) return false;
      found = true;
      break;
    }
    if (!found) return false;
  }
  return true;
}

bool equal_at(const PythonValue& a, const PythonValue& b, Comparison& at) {
  if (--at.left < 0) base::fail<InvalidModel>("a comparison of more than {} elements", kMaxComparisons);
  if (const auto x = as_integer(a), y = as_integer(b); x && y) return *x == *y;
  if (const auto x = as_number(a), y = as_number(b); x && y) return *x == *y;
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<std::string>(&a)) return *x == std::get<std::string>(b);
  if (const auto* x = std::get_if<Instance*>(&a)) return *x == std::get<Instance*>(b);
  if (const auto* x = std::get_if<tensor::LazyTensorPtr>(&a)) return *x == std::get<tensor::LazyTensorPtr>(b);
  if (const auto* x = std::get_if<TracedTensor*>(&a)) return *x == std::get<TracedTensor*>(b);
  if (const auto* x = std::get_if<Callable*>(&a)) return *x == std::get<Callable*>(b);
  if (const auto* x = std::get_if<Device>(&a)) return x->name == std::get<Device>(b).name;
  if (const auto* x = std::get_if<DType>(&a)) return *x == std::get<DType>(b);
  if (std::holds_alternative<None>(a)) return true;
  if (at.depth >= kMaxDepth) base::fail<InvalidModel>("a comparison of values nested more than {} deep", kMaxDepth);
  ++at.depth;
  bool same = false;
  if (const auto* x = std::get_if<Dict*>(&a)) {
    same = equal_dicts(**x, *std::get<Dict*>(b), at);
  } else if (const auto* items = elements(a)) {
    same = equal_items(*items, *elements(b), at);
  }
  --at.depth;
  return same;
}

// Python writes floats with the shortest digits that read back the same, and always as floats.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

void append_text(const PythonValue& value, bool quoted, std::size_t limit, int depth, std::string& out);

void append_items(const std::vector<PythonValue>& items, std::size_t limit, int depth, std::string& out) {
  for (std::size_t i = 0; i < items.size() && out.size() < limit; ++i) {
    if (i > 0) out += ", ";
    append_text(items[i], true, limit, depth + 1, out);
  }
}

void append_text(const PythonValue& value, bool quoted, std::size_t limit, int depth, std::string& out) {
  if (depth > kMaxDepth || out.size() >= limit) {
    out += "…";
  } else if (std::holds_alternative<None>(value)) {
    out += "None";
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "True" : "False";
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    out += float_text(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out += quoted ? "'" + text->substr(0, limit) + "'" : text->substr(0, limit);
  } else if (const auto* list = std::get_if<List*>(&value)) {
    out += '[';
    append_items((*list)->items, limit, depth, out);
    out += ']';
  } else if (const auto* tuple = std::get_if<Tuple*>(&value)) {
    out += '(';
    append_items((*tuple)->items, limit, depth, out);
    out += (*tuple)->items.size() == 1 ? ",)" : ")";
  } else if (const auto* dict = std::get_if<Dict*>(&value)) {
    out += '{';
    for (std::size_t i = 0; i < (*dict)->items.size() && out.size() < limit; ++i) {
      if (i > 0) out += ", ";
      append_text((*dict)->items[i].first, true, limit, depth + 1, out);
      out += ": ";
      append_text((*dict)->items[i].second, true, limit, depth + 1, out);
    }
    out += '}';
  } else if (const auto* device = std::get_if<Device>(&value)) {
    out += device->name;
  } else if (const auto* dtype = std::get_if<DType>(&value)) {
    out += std::to_string(code_of_dtype(*dtype));
  } else {
    out += "<" + type_name(value) + ">";
  }
}

}  // namespace

std::optional<double> as_number(const PythonValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto integer = as_integer(value)) return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<std::int64_t> as_integer(const PythonValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  if (const auto* dtype = std::get_if<DType>(&value)) return code_of_dtype(*dtype);
  return std::nullopt;
}

std::vector<PythonValue>* elements(const PythonValue& value) {
  if (const auto* list = std::get_if<List*>(&value)) return &(*list)->items;
  if (const auto* tuple = std::get_if<Tuple*>(&value)) return &(*tuple)->items;
  return nullptr;
}

bool equal(const PythonValue& a, const PythonValue& b) {
  Comparison at;
  return equal_at(a, b, at);
}

std::string to_text(const PythonValue& value, bool quoted, std::size_t limit) {
  std::string out;
  append_text(value, quoted, limit, 0, out);
  return out;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return line;
}

std::optional<DType> dtype_of_code(std::int64_t code) {
  for (const auto& [known, dtype] : kDTypeCodes) {
    if (known == code) return dtype;
  }
  return std::nullopt;
}

std::int64_t code_of_dtype(DType dtype) {
  for (const auto& [code, known] : kDTypeCodes) {
    if (known == dtype) return code;
  }
  return 6;
}

}  // namespace wherry::import::torchscript
