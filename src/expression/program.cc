#include "expression/program.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace wherry::expression {
namespace {

constexpr auto kInfo = std::to_array<OpcodeInfo>({
    {"constant", 0},  {"add", 2},        {"sub", 2},       {"mul", 2},   {"div", 2},     {"floor_div", 2},
    {"trunc_div", 2}, {"remainder", 2},  {"fmod", 2},      {"pow", 2},   {"min", 2},     {"max", 2},
    {"atan2", 2},     {"eq", 2},         {"ne", 2},        {"lt", 2},    {"le", 2},      {"gt", 2},
    {"ge", 2},        {"and", 2},        {"or", 2},        {"xor", 2},   {"bit_and", 2}, {"bit_or", 2},
    {"bit_xor", 2},   {"neg", 1},        {"abs", 1},       {"sign", 1},  {"exp", 1},     {"exp2", 1},
    {"expm1", 1},     {"log", 1},        {"log2", 1},      {"log10", 1}, {"log1p", 1},   {"sqrt", 1},
    {"rsqrt", 1},     {"reciprocal", 1}, {"square", 1},    {"sin", 1},   {"cos", 1},     {"tan", 1},
    {"asin", 1},      {"acos", 1},       {"atan", 1},      {"sinh", 1},  {"cosh", 1},    {"tanh", 1},
    {"erf", 1},       {"gelu", 1},       {"gelu_tanh", 1}, {"floor", 1}, {"ceil", 1},    {"round", 1},
    {"trunc", 1},     {"not", 1},        {"isnan", 1},     {"isinf", 1}, {"sigmoid", 1}, {"relu", 1},
    {"where", 3},
});
static_assert(kInfo.size() == static_cast<std::size_t>(Opcode::count_));

constexpr std::array<std::string_view, 3> kComputeNames = {"f32", "f64", "i64"};

bool needs_integers(Opcode op) { return op == Opcode::bit_and || op == Opcode::bit_or || op == Opcode::bit_xor; }

/// Shortest text that reads back as the same number; whole numbers without a point.
std::string print_number(double value) {
  const bool whole = std::abs(value) < 1e15 && value == std::trunc(value) && !(value == 0 && std::signbit(value));
  return whole ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

/// Words of the text form: names, numbers, and the punctuation ( ) , { } ; = each on its own.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  std::string_view next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    const std::size_t begin = at_;
    if (begin == text_.size()) return {};
    constexpr std::string_view kPunctuation = "(),{};=";
    if (kPunctuation.find(text_[at_]) != std::string_view::npos) return text_.substr(at_++, 1);
    while (at_ < text_.size() && text_[at_] != ' ' && kPunctuation.find(text_[at_]) == std::string_view::npos) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void expect(std::string_view wanted) {
    const auto found = next();
    if (found != wanted) fail(found, wanted);
  }

  [[noreturn]] void fail(std::string_view found, std::string_view wanted) const {
    base::fail<InvalidInput>("elementwise program \"{}\", column {}: found \"{}\", expected {}", text_, at_, found,
                             wanted);
  }

  std::uint8_t register_name(std::string_view word) const {
    int index = -1;
    if (word.size() > 1 && word[0] == 'x') {
      const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), index);
      if (error != std::errc() || end != word.data() + word.size()) index = -1;
    }
    if (index < 0 || index > 254) fail(word, "a register such as x0");
    return static_cast<std::uint8_t>(index);
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const OpcodeInfo& info(Opcode opcode) { return kInfo[static_cast<std::size_t>(opcode)]; }

std::optional<Opcode> opcode_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kInfo.size(); ++i)
    if (kInfo[i].name == name) return static_cast<Opcode>(i);
  return std::nullopt;
}

std::string Program::to_string() const {
  // Appended piece by piece: the passes describe every program of a graph several times.
  std::string text;
  text.reserve(48 + 24 * code.size());
  const auto append_register = [&](int number) {
    const fmt::format_int digits(number);
    text += 'x';
    text.append(digits.data(), digits.size());
  };
  text += kComputeNames[static_cast<std::size_t>(compute)];
  text += " (";
  for (int i = 0; i < inputs; ++i) {
    if (i > 0) text += ", ";
    append_register(i);
  }
  text += ") {";
  for (std::size_t i = 0; i < code.size(); ++i) {
    const Instruction& it = code[i];
    text += i > 0 ? "; " : " ";
    append_register(inputs + static_cast<int>(i));
    text += " = ";
    text += info(it.opcode).name;
    const std::uint8_t operands[] = {it.a, it.b, it.c};
    for (int k = 0; k < info(it.opcode).arity; ++k) {
      text += ' ';
      append_register(operands[k]);
    }
    if (it.opcode == Opcode::constant) {
      text += ' ';
      text += print_number(it.immediate);
    }
  }
  text += " }";
  return text;
}

Program Program::parse(std::string_view text) {
  Words words(text);
  Program program;
  const auto compute = words.next();
  std::size_t kind = 0;
  while (kind < kComputeNames.size() && kComputeNames[kind] != compute) ++kind;
  if (kind == kComputeNames.size()) words.fail(compute, "f32, f64 or i64");
  program.compute = static_cast<Compute>(kind);
  words.expect("(");
  program.inputs = 0;
  for (auto word = words.next(); word != ")"; word = words.next()) {
    if (word == ",") continue;
    if (words.register_name(word) != program.inputs) words.fail(word, fmt::format("x{}", program.inputs));
    ++program.inputs;
  }
  words.expect("{");
  auto word = words.next();
  while (word != "}") {
    if (words.register_name(word) != program.registers()) words.fail(word, fmt::format("x{}", program.registers()));
    words.expect("=");
    const auto name = words.next();
    const auto opcode = opcode_from_name(name);
    if (!opcode) words.fail(name, "an opcode");
    Instruction it{*opcode};
    std::uint8_t* operands[] = {&it.a, &it.b, &it.c};
    for (int k = 0; k < info(*opcode).arity; ++k) *operands[k] = words.register_name(words.next());
    if (*opcode == Opcode::constant) {
      const auto number = words.next();
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), it.immediate);
      if (error != std::errc() || end != number.data() + number.size()) words.fail(number, "a number");
    }
    program.code.push_back(it);
    word = words.next();
    if (word == ";") word = words.next();
  }
  if (program.registers() < 1) words.fail("", "at least one register");
  if (const auto rest = words.next(); !rest.empty()) words.fail(rest, "the end");
  try {
    program.verify();
  } catch (const InternalError& error) {
    base::fail<InvalidInput>("elementwise program \"{}\": {}", text, error.what());
  }
  return program;
}

void Program::verify() const {
  WHERRY_CHECK_GE(inputs, 0);
  WHERRY_CHECK_GE(registers(), 1);
  WHERRY_CHECK_LE(registers(), 255);
  for (std::size_t i = 0; i < code.size(); ++i) {
    const Instruction& it = code[i];
    const int limit = inputs + static_cast<int>(i);
    const std::uint8_t operands[] = {it.a, it.b, it.c};
    for (int k = 0; k < info(it.opcode).arity; ++k) WHERRY_CHECK_LT(int{operands[k]}, limit);
    WHERRY_CHECK(!needs_integers(it.opcode) || compute == Compute::i64);
  }
}

}  // namespace wherry::expression
