// Reads signatures in the syntax of PyTorch's native_functions.yaml.

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "ir/schemas/tables.h"

namespace wherry::ir::schemas {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_spaces();
    return at_ == text_.size();
  }

  bool take(std::string_view wanted) {
    skip_spaces();
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  void expect(std::string_view wanted) {
    if (!take(wanted)) fail(wanted);
  }

  std::string_view word() {
    skip_spaces();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (begin == at_) fail("a name");
    return text_.substr(begin, at_ - begin);
  }

  /// Up to one of `stops` (not consumed), without surrounding spaces.
  std::string_view until(std::string_view stops) {
    skip_spaces();
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(stops, at_), text_.size());
    return text_.substr(begin, at_ - begin);
  }

  [[noreturn]] void fail(std::string_view wanted) const {
    base::fail<InternalError>("a bug in wherry: signature \"{}\", column {}: expected {}", text_, at_, wanted);
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// "(a!)", "(a)": which tensors share memory, which a graph in SSA form does not need to know.
void skip_alias(Reader& reader) {
  if (!reader.take("(")) return;
  reader.until(")");
  reader.expect(")");
}

ArgumentKind list_of(ArgumentKind element, Reader& reader) {
  switch (element) {
    case ArgumentKind::tensor: return ArgumentKind::tensor_list;
    case ArgumentKind::integer: return ArgumentKind::integer_list;
    case ArgumentKind::number: return ArgumentKind::number_list;
    case ArgumentKind::boolean: return ArgumentKind::boolean_list;
    default: reader.fail("a type that has lists");
  }
}

ArgumentKind kind_of(std::string_view type, Reader& reader) {
  constexpr std::pair<std::string_view, ArgumentKind> kKinds[] = {
      {"Tensor", ArgumentKind::tensor},  {"int", ArgumentKind::integer},          {"SymInt", ArgumentKind::integer},
      {"float", ArgumentKind::number},   {"bool", ArgumentKind::boolean},         {"Scalar", ArgumentKind::scalar},
      {"str", ArgumentKind::text},       {"ScalarType", ArgumentKind::dtype},     {"Layout", ArgumentKind::ignored},
      {"Device", ArgumentKind::ignored}, {"MemoryFormat", ArgumentKind::ignored}, {"Generator", ArgumentKind::ignored},
  };
  for (const auto& [name, kind] : kKinds)
    if (name == type) return kind;
  reader.fail("a type");
}

template <typename T>
T number(std::string_view text, Reader& reader) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) reader.fail("a number");
  return value;
}

Attribute scalar(std::string_view text, Reader& reader) {
  if (text == "True" || text == "False") return text == "True";
  if (text.find_first_of(".e") == std::string_view::npos) return number<std::int64_t>(text, reader);
  return number<double>(text, reader);
}

Attribute default_value(const Argument& argument, Reader& reader) {
  if (reader.take("None")) return std::monostate{};
  if (reader.take("'")) {
    std::string text(reader.until("'"));
    reader.expect("'");
    return text;
  }
  if (argument.kind == ArgumentKind::integer_list) {
    Dims values;
    if (reader.take("[")) {
      while (!reader.take("]")) {
        values.push_back(number<std::int64_t>(reader.until(",] "), reader));
        reader.take(",");
      }
    } else {
      values.assign(static_cast<std::size_t>(std::max(argument.list_size, 1)),
                    number<std::int64_t>(reader.until(",)"), reader));
    }
    return values;
  }
  const auto text = reader.until(",)");
  switch (argument.kind) {
    case ArgumentKind::boolean:
      if (text != "True" && text != "False") reader.fail("True or False");
      return text == "True";
    case ArgumentKind::integer: return number<std::int64_t>(text, reader);
    case ArgumentKind::number: return number<double>(text, reader);
    case ArgumentKind::scalar: return scalar(text, reader);
    case ArgumentKind::ignored: return std::monostate{};
    default: reader.fail("a default that fits the type");
  }
}

Argument argument(Reader& reader, bool keyword_only) {
  Argument result;
  result.keyword_only = keyword_only;
  result.kind = kind_of(reader.word(), reader);
  skip_alias(reader);
  const bool optional_element = reader.take("?");
  if (reader.take("[")) {
    result.kind = list_of(result.kind, reader);
    if (const auto size = reader.until("]"); !size.empty()) result.list_size = number<int>(size, reader);
    reader.expect("]");
    result.optional = reader.take("?");  // the "?" of Tensor?[] is of the elements: null inputs
  } else {
    result.optional = optional_element;
  }
  result.name = reader.word();
  if (result.name == "pin_memory") result.kind = ArgumentKind::ignored;
  if (reader.take("=")) result.fallback = default_value(result, reader);
  return result;
}

}  // namespace

Parsed parse_signature(std::string_view text) {
  Reader reader(text);
  Parsed parsed;
  Schema& schema = parsed.schema;
  reader.take("aten::");
  parsed.listed_as = reader.word();
  std::string recorded = parsed.listed_as;
  if (reader.take(".")) schema.overload = reader.word();
  reader.expect("(");
  bool keyword_only = false;
  while (!reader.take(")")) {
    if (reader.take("*"))
      keyword_only = true;
    else
      schema.arguments.push_back(argument(reader, keyword_only));
    reader.take(",");
  }
  reader.expect("->");
  if (reader.take("(")) {
    schema.outputs = 0;
    while (!reader.take(")")) {
      reader.expect("Tensor");
      skip_alias(reader);
      if (const auto name = reader.until(",)"); !name.empty()) schema.output_names.emplace_back(name);
      ++schema.outputs;
      reader.take(",");
    }
  } else {
    reader.expect("Tensor");
    skip_alias(reader);
    schema.output_list = reader.take("[]");
  }
  if (reader.take("as ")) recorded = reader.word();
  if (!reader.at_end()) reader.fail("the end");
  schema.name = "aten::" + recorded;
  return parsed;
}

}  // namespace wherry::ir::schemas
