// Reads the text form of graphs back. It is the language of the pass tests, so its errors name line and column.

#include <charconv>
#include <functional>
#include <map>

#include "base/check.h"
#include "ir/ops.h"
#include "ir/text.h"
#include "tensor/elements.h"

namespace wherry::ir {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Graph graph() {
    skip_space();
    expect("graph");
    expect("(");
    while (!take(")")) {
      const std::string name = value_name();
      expect(":");
      TensorType input = type();
      define(name, graph_.add_input(own_name(name), std::move(input)));
      if (!take(",") && !peek(")")) fail("\",\" or \")\"");
    }
    expect("{");
    while (!take("return")) statement();
    if (!peek("}")) {
      do {
        Value* value = use();
        expect("as");
        graph_.add_output(value, peek("\"") ? string() : word());
      } while (take(","));
    }
    expect("}");
    if (at_ != text_.size()) fail("the end");
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(std::string_view wanted) const {
    std::size_t line = 1, column = 1;
    for (const char c : text_.substr(0, at_)) {
      column = c == '\n' ? 1 : column + 1;
      line += c == '\n' ? 1 : 0;
    }
    const auto found = text_.substr(at_, std::min<std::size_t>(20, text_.find('\n', at_) - at_));
    base::fail<InvalidInput>("graph text, line {}, column {}: found \"{}\", expected {}", line, column, found, wanted);
  }

  /// Blanks, newlines, and comments from "#" to the end of the line.
  void skip_space() {
    token_end_ = at_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      else if (text_[at_] != ' ' && text_[at_] != '\n' && text_[at_] != '\t' && text_[at_] != '\r')
        return;
    }
  }

  bool peek(std::string_view wanted) const { return text_.substr(at_, wanted.size()) == wanted; }

  /// Takes `wanted` if it stands here; a word only where it ends here too.
  bool take(std::string_view wanted) {
    if (!peek(wanted)) return false;
    const std::size_t end = at_ + wanted.size();
    if (text::is_name_character(wanted.back()) && end < text_.size() && text::is_name_character(text_[end]))
      return false;
    at_ = end;
    skip_space();
    return true;
  }

  void expect(std::string_view wanted) {
    if (!take(wanted)) fail(fmt::format("\"{}\"", wanted));
  }

  std::string_view word_here() const {
    std::size_t end = at_;
    while (end < text_.size() && text::is_name_character(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  std::string word() {
    const auto found = word_here();
    if (found.empty()) fail("a name");
    at_ += found.size();
    skip_space();
    return std::string(found);
  }

  std::string value_name() {
    if (!peek("%")) fail("a value such as %x");
    ++at_;
    return word();
  }

  /// Numbers stand for values that have no name of their own.
  static std::string own_name(const std::string& name) {
    return name.find_first_not_of("0123456789") == std::string::npos ? std::string() : name;
  }

  void define(const std::string& name, Value* value) {
    if (!values_.emplace(name, value).second) fail(fmt::format("a new name, %{} is defined above", name));
  }

  Value* use() {
    if (take("none")) return nullptr;
    const std::size_t begin = at_;
    const auto found = values_.find(value_name());
    if (found == values_.end()) {
      at_ = begin;
      fail("a value defined above");
    }
    return found->second;
  }

  template <typename T>
  T number() {
    T value{};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) fail("a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    skip_space();
    return value;
  }

  Dims integers(std::string_view open, std::string_view close) {
    Dims list;
    expect(open);
    while (!take(close)) {
      list.push_back(number<std::int64_t>());
      if (!take(",") && !peek(close)) fail(fmt::format("\",\" or \"{}\"", close));
    }
    return list;
  }

  DType dtype() {
    const auto found = dtype_from_name(word_here());
    if (!found) fail("a dtype such as float32");
    word();
    return *found;
  }

  TensorType type() {
    TensorType result;
    result.dtype = dtype();
    result.sizes = integers("[", "]");
    try {
      element_count(result.sizes);
    } catch (const InvalidInput&) {
      fail("sizes that a tensor can have, before this");
    }
    // Strides stand directly behind the sizes.
    if (peek("{") && at_ > 0 && text_[at_ - 1] == ']') {
      result.strides = integers("{", "}");
      if (result.strides.size() != result.sizes.size()) fail("as many strides as sizes, before this");
    }
    return result;
  }

  std::string delimited(char mark) {
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != mark; ++at_) {
      if (text_[at_] == '\\' && mark == '"' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    if (at_ >= text_.size()) fail(fmt::format("a closing {}", mark));
    ++at_;
    skip_space();
    return out;
  }
  std::string string() { return delimited('"'); }

  /// Text that is an integer as a whole; else it is a floating number.
  bool integer_here() const {
    std::size_t end = at_ + (peek("-") ? 1 : 0);
    const std::size_t begin = end;
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
    return end > begin && (end == text_.size() || !text::is_name_character(text_[end]));
  }

  Attribute attribute() {
    if (take("none")) return std::monostate{};
    if (take("true")) return true;
    if (take("false")) return false;
    if (peek("\"")) return string();
    if (peek("`")) return expression::Program::parse(delimited('`'));
    if (peek("[")) return integers("[", "]");
    if (peek("float[")) {
      std::vector<double> list;
      at_ += 6;
      skip_space();
      while (!take("]")) {
        list.push_back(number<double>());
        take(",");
      }
      return list;
    }
    if (peek("bool[")) {
      std::vector<bool> list;
      at_ += 5;
      skip_space();
      while (!take("]")) {
        if (!peek("true") && !peek("false")) fail("true or false");
        list.push_back(take("true"));
        if (!list.back()) take("false");
        take(",");
      }
      return list;
    }
    if (const auto named = dtype_from_name(word_here())) return dtype();
    if (integer_here()) return number<std::int64_t>();
    return number<double>();
  }

  void constant(const std::string& name) {
    const TensorType declared = type();
    if (!declared.strides.empty()) fail("a constant without strides, before this");
    const auto add = [&](const std::function<tensor::LazyTensorPtr(int)>& make) {
      // Two constants may be alike and yet two; the second gets another key.
      const std::size_t before = graph_.constants().size();
      for (int copy = 0; graph_.constants().size() == before; ++copy)
        if (Value* value = graph_.add_constant(make(copy), own_name(name)); graph_.constants().size() != before)
          define(name, value);
    };
    if (peek("\"")) {
      const std::string key = string();
      return add([&](int copy) {
        return text::make_stand_in(copy ? fmt::format("{}#{}", key, copy) : key, declared.dtype, declared.sizes);
      });
    }
    if (peek("[")) {
      const Tensor tensor = literal(declared);
      const tensor::LazyTensorPtr plain = tensor::LazyTensor::of(tensor);
      return add([&](int copy) -> tensor::LazyTensorPtr {
        if (copy == 0) return plain;
        return std::make_shared<tensor::LazyTensor>(fmt::format("{}#{}", plain->key(), copy), declared.dtype,
                                                    declared.sizes, [tensor] { return tensor; });
      });
    }
    const std::size_t end =
        peek("uniform(") ? std::min(text_.find(')', at_) + 1, text_.size()) : at_ + word_here().size();
    const auto recipe = text::normalize_recipe(text_.substr(at_, end - at_));
    if (!recipe) fail("zeros, ones, uniform(seed), uniform(seed, low, high), [values], or a key in quotes");
    at_ = end;
    skip_space();
    add([&](int copy) { return text::make_recipe(*recipe, declared.dtype, declared.sizes, copy); });
  }

  Tensor literal(const TensorType& declared) {
    std::vector<double> floating;
    Dims integral;
    expect("[");
    while (!take("]")) {
      if (is_floating(declared.dtype))
        floating.push_back(number<double>());
      else
        integral.push_back(number<std::int64_t>());
      if (!take(",") && !peek("]")) fail("\",\" or \"]\"");
    }
    const std::size_t count = floating.size() + integral.size();
    if (static_cast<std::int64_t>(count) != declared.numel())
      fail(fmt::format("{} values, before this", declared.numel()));
    Tensor tensor = Tensor::empty(declared.dtype, declared.sizes);
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::int64_t>(i);
      if (is_floating(declared.dtype))
        tensor::store_double(tensor.mutable_data(), declared.dtype, at, floating[i]);
      else
        tensor::store_int(tensor.mutable_data(), declared.dtype, at, integral[i]);
    }
    return tensor;
  }

  void statement() {
    std::vector<std::string> names;
    std::vector<TensorType> types;
    do {
      names.push_back(value_name());
      if (names.size() == 1 && take("=")) {
        expect("constant");
        return constant(names[0]);
      }
      expect(":");
      types.push_back(type());
    } while (take(","));
    expect("=");
    std::string op = word();
    if (op == "aten" && take("::")) op = "aten::" + word();
    expect("(");
    std::vector<Value*> inputs;
    while (true) {
      if (peek(")")) break;
      inputs.push_back(use());
      if (!take(",") && !peek(")")) fail("\",\" or \")\"");
    }
    if (!peek(")")) fail("\")\"");
    // From here on the line's end matters: a comment on it is the node's source.
    Attributes attributes;
    const std::size_t line_end = std::min(text_.find('\n', at_), text_.size());
    ++at_;
    skip_space();
    while (at_ < line_end) {
      std::string name = word();
      expect("=");
      attributes[std::move(name)] = attribute();
    }
    const std::size_t rest = std::min(token_end_, line_end);
    Node* node = graph_.add_node(std::move(op), std::move(inputs), std::move(attributes), std::move(types),
                                 source(text_.substr(rest, line_end - rest)));
    for (std::size_t i = 0; i < names.size(); ++i) {
      node->output(i)->set_name(own_name(names[i]));
      define(names[i], node->output(i));
    }
  }

  /// "  # file:line module" or "  # module".
  static Source source(std::string_view rest) {
    const auto mark = rest.find("# ");
    if (mark == std::string_view::npos) return {};
    rest.remove_prefix(mark + 2);
    Source result;
    const auto space = std::min(rest.find(' '), rest.size());
    const std::string_view first = rest.substr(0, space);
    const auto colon = first.rfind(':');
    int line = 0;
    if (colon != std::string_view::npos &&
        std::from_chars(first.data() + colon + 1, first.data() + first.size(), line).ptr ==
            first.data() + first.size()) {
      result.file = first.substr(0, colon);
      result.line = line;
      rest.remove_prefix(std::min(space + 1, rest.size()));
    }
    result.module = rest;
    return result;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t token_end_ = 0;  ///< where the last token ended, before blanks and comments
  Graph graph_;
  std::map<std::string, Value*, std::less<>> values_;
};

}  // namespace

Graph parse_graph(std::string_view text) { return Parser(text).graph(); }

}  // namespace wherry::ir
