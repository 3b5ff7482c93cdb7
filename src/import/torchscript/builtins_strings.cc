// Strings: mostly what messages are made of before they are raised or dropped.

#include <algorithm>

#include "base/check.h"
#include "import/torchscript/builtins.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript::builtins {
namespace {

using Result = std::optional<PythonValue>;

constexpr std::string_view kSpaces = " \t\n\r\f\v";
constexpr std::size_t kMaxText = std::size_t{1} << 20;

const std::string* text_at(const Arguments& arguments, std::size_t i) {
  return i < arguments.size() ? std::get_if<std::string>(&arguments[i]) : nullptr;
}

PythonValue checked(Interpreter& interpreter, std::string text) {
  if (text.size() > kMaxText) base::fail<InvalidModel>("a string of more than {} characters", kMaxText);
  interpreter.charge(text.size() / 8);
  return text;
}

// "{}" is replaced by the next argument, "{{" and "}}" are brackets; what stands inside of "{…}" is ignored.
Result format(Interpreter& interpreter, const Arguments& arguments) {
  const std::string* pattern = text_at(arguments, 0);
  if (pattern == nullptr) return std::nullopt;
  std::string text;
  std::size_t next = 1;
  for (std::size_t i = 0; i < pattern->size(); ++i) {
    const char c = (*pattern)[i];
    const char after = i + 1 < pattern->size() ? (*pattern)[i + 1] : '\0';
    if ((c == '{' || c == '}') && after == c) {
      text += c;
      ++i;
    } else if (c == '{') {
      const std::size_t close = pattern->find('}', i);
      if (close == std::string::npos || next >= arguments.size()) {
        base::fail<InvalidModel>("format(\"{}\") with {} arguments", pattern->substr(0, 100), arguments.size() - 1);
      }
      text += to_text(arguments[next++]);
      i = close;
    } else {
      text += c;
    }
    if (text.size() > kMaxText) break;
  }
  return checked(interpreter, std::move(text));
}

// "%d of %s": every conversion prints its argument as str() does.
Result percent_format(Interpreter& interpreter, const Arguments& arguments) {
  const std::string* pattern = text_at(arguments, 0);
  if (pattern == nullptr) return std::nullopt;
  std::vector<PythonValue> values(arguments.positional.begin() + 1, arguments.positional.end());
  if (values.size() == 1) {
    if (const auto* tuple = std::get_if<Tuple*>(&values[0])) values = std::vector<PythonValue>((*tuple)->items);
  }
  std::string text;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern->size(); ++i) {
    if ((*pattern)[i] != '%') {
      text += (*pattern)[i];
      continue;
    }
    i = pattern->find_first_of("%diouxXeEfFgGcrsa", i + 1);
    if (i == std::string::npos) break;
    if ((*pattern)[i] == '%') {
      text += '%';
    } else if (next < values.size()) {
      text += to_text(values[next++]);
    }
    if (text.size() > kMaxText) break;
  }
  return checked(interpreter, std::move(text));
}

Result to_str(Interpreter& interpreter, const Arguments& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  return checked(interpreter, to_text(arguments[0]));
}

Result join(Interpreter& interpreter, const Arguments& arguments) {
  const std::string* separator = text_at(arguments, 0);
  const auto* items = arguments.size() == 2 ? elements(arguments[1]) : nullptr;
  if (separator == nullptr || items == nullptr) return std::nullopt;
  interpreter.charge(items->size());
  std::string text;
  for (std::size_t i = 0; i < items->size() && text.size() <= kMaxText; ++i) {
    const auto* item = std::get_if<std::string>(&(*items)[i]);
    if (item == nullptr) return std::nullopt;
    if (i > 0) text += *separator;
    text += *item;
  }
  return checked(interpreter, std::move(text));
}

// The op of the same name splits tensors.
Result split(Interpreter& interpreter, const Arguments& arguments) {
  const std::string* text = text_at(arguments, 0);
  if (text == nullptr) return std::nullopt;
  const std::string* separator = text_at(arguments, 1);
  std::vector<PythonValue> parts;
  interpreter.charge(text->size());
  if (separator == nullptr || separator->empty()) {
    std::size_t at = 0;
    while ((at = text->find_first_not_of(kSpaces, at)) != std::string::npos) {
      const std::size_t end = std::min(text->find_first_of(kSpaces, at), text->size());
      parts.emplace_back(text->substr(at, end - at));
      at = end;
    }
  } else {
    std::size_t at = 0;
    for (std::size_t end; (end = text->find(*separator, at)) != std::string::npos; at = end + separator->size()) {
      parts.emplace_back(text->substr(at, end - at));
    }
    parts.emplace_back(text->substr(at));
  }
  return interpreter.heap().new_list(std::move(parts));
}

template <bool left, bool right>
Result strip(Interpreter&, const Arguments& arguments) {
  const std::string* text = text_at(arguments, 0);
  if (text == nullptr) return std::nullopt;
  const std::string* chosen = text_at(arguments, 1);
  const std::string_view letters = chosen != nullptr ? std::string_view(*chosen) : kSpaces;
  const std::size_t begin = left ? std::min(text->find_first_not_of(letters), text->size()) : 0;
  const std::size_t last = right ? text->find_last_not_of(letters) : text->size() - 1;
  const std::size_t end = last == std::string::npos ? 0 : last + 1;
  return begin < end ? text->substr(begin, end - begin) : std::string();
}

template <char from, char to>
Result change_case(Interpreter&, const Arguments& arguments) {
  const std::string* text = text_at(arguments, 0);
  if (text == nullptr) return std::nullopt;
  std::string result = *text;
  for (char& c : result) {
    if (c >= from && c < from + 26) c = static_cast<char>(c - from + to);
  }
  return result;
}

/// The part of a text that two optional bounds choose. PyTorch's default end, -1, is the end of the text, unlike
/// Python's.
struct Part {
  std::string_view text;
  std::int64_t start = 0;
};
std::optional<Part> part_of(const Arguments& arguments, std::size_t first_bound) {
  const std::string* text = text_at(arguments, 0);
  if (text == nullptr || arguments.size() > first_bound + 2) return std::nullopt;
  const auto size = static_cast<std::int64_t>(text->size());
  std::int64_t bounds[2] = {0, size};
  for (std::size_t i = 0; i < 2 && first_bound + i < arguments.size(); ++i) {
    const auto bound = as_integer(arguments[first_bound + i]);
    if (!bound) return std::nullopt;
    bounds[i] = std::clamp<std::int64_t>(*bound < 0 ? *bound + size + static_cast<std::int64_t>(i) : *bound, 0, size);
  }
  const std::int64_t length = std::max<std::int64_t>(bounds[1] - bounds[0], 0);
  return Part{std::string_view(*text).substr(static_cast<std::size_t>(bounds[0]), static_cast<std::size_t>(length)),
              bounds[0]};
}

Result starts_with(Interpreter&, const Arguments& arguments) {
  const auto part = part_of(arguments, 2);
  const std::string* prefix = text_at(arguments, 1);
  return part && prefix != nullptr ? Result(part->text.starts_with(*prefix)) : std::nullopt;
}
Result ends_with(Interpreter&, const Arguments& arguments) {
  const auto part = part_of(arguments, 2);
  const std::string* suffix = text_at(arguments, 1);
  return part && suffix != nullptr ? Result(part->text.ends_with(*suffix)) : std::nullopt;
}
template <bool last>
Result find(Interpreter&, const Arguments& arguments) {
  const auto part = part_of(arguments, 2);
  const std::string* wanted = text_at(arguments, 1);
  if (!part || wanted == nullptr) return std::nullopt;
  const std::size_t at = last ? part->text.rfind(*wanted) : part->text.find(*wanted);
  return at == std::string_view::npos ? std::int64_t{-1} : static_cast<std::int64_t>(at) + part->start;
}

Result replace(Interpreter& interpreter, const Arguments& arguments) {
  const std::string* text = text_at(arguments, 0);
  const std::string* from = text_at(arguments, 1);
  const std::string* to = text_at(arguments, 2);
  if (text == nullptr || from == nullptr || to == nullptr || from->empty()) return std::nullopt;
  std::string result;
  std::size_t at = 0;
  for (std::size_t end; (end = text->find(*from, at)) != std::string::npos; at = end + from->size()) {
    result.append(*text, at, end - at);
    result += *to;
    if (result.size() > kMaxText) break;
  }
  result.append(*text, at);
  return checked(interpreter, std::move(result));
}

Result ord(Interpreter&, const Arguments& arguments) {
  const std::string* text = text_at(arguments, 0);
  if (text == nullptr || text->size() != 1) return std::nullopt;
  return static_cast<std::int64_t>(static_cast<unsigned char>((*text)[0]));
}
Result chr(Interpreter&, const Arguments& arguments) {
  const auto code = arguments.size() == 1 ? as_integer(arguments[0]) : std::nullopt;
  if (!code || *code < 0 || *code > 255) return std::nullopt;
  return std::string(1, static_cast<char>(*code));
}
Result is_digit(Interpreter&, const Arguments& arguments) {
  const std::string* text = text_at(arguments, 0);
  if (text == nullptr) return std::nullopt;
  return !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
}

constexpr Entry kStrings[] = {
    {"aten::format", format, true},
    {"aten::percentFormat", percent_format, true},
    {"aten::str", to_str, true},
    {"builtin::str", to_str, true},
    {"aten::join", join},
    {"aten::split", split},
    {"aten::strip", strip<true, true>},
    {"aten::lstrip", strip<true, false>},
    {"aten::rstrip", strip<false, true>},
    {"aten::lower", change_case<'A', 'a'>},
    {"aten::upper", change_case<'a', 'A'>},
    {"aten::startswith", starts_with},
    {"aten::endswith", ends_with},
    {"aten::find", find<false>},
    {"aten::rfind", find<true>},
    {"aten::replace", replace},
    {"aten::ord", ord},
    {"builtin::ord", ord},
    {"aten::chr", chr},
    {"builtin::chr", chr},
    {"aten::isdigit", is_digit},
};

}  // namespace

std::span<const Entry> strings() { return kStrings; }

}  // namespace wherry::import::torchscript::builtins
