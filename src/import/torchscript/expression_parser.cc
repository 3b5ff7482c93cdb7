#include "import/torchscript/expression_parser.h"

#include <array>

namespace wherry::import::torchscript {
namespace {

struct BinaryOperator {
  std::string_view symbol;
  int precedence;
  std::string_view function;
};
// Higher binds tighter. `not`, `and`, `or` and the conditional stand below all of these.
constexpr std::array<BinaryOperator, 19> kBinaryOperators = {{
    {"<", 1, "torch.lt"},          {">", 1, "torch.gt"},          {"<=", 1, "torch.le"},
    {">=", 1, "torch.ge"},         {"==", 1, "torch.eq"},         {"!=", 1, "torch.ne"},
    {"|", 2, "torch.__or__"},      {"^", 3, "torch.__xor__"},     {"&", 4, "torch.__and__"},
    {"<<", 5, "torch.__lshift__"}, {">>", 5, "torch.__rshift__"}, {"+", 6, "torch.add"},
    {"-", 6, "torch.sub"},         {"*", 7, "torch.mul"},         {"/", 7, "torch.div"},
    {"//", 7, "torch.floordiv"},   {"%", 7, "torch.remainder"},   {"@", 7, "torch.matmul"},
    {"**", 9, "torch.pow"},
}};

const BinaryOperator* find_operator(std::string_view symbol) {
  const auto found = std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                                  [&](const BinaryOperator& op) { return op.symbol == symbol; });
  return found == kBinaryOperators.end() ? nullptr : &*found;
}

}  // namespace

std::optional<std::string_view> ExpressionParser::augmented_function(std::string_view symbol) {
  const BinaryOperator* op = find_operator(symbol);
  if (op == nullptr || op->precedence == 1) return std::nullopt;
  return op->function;
}

Expr* ExpressionParser::parse_expression_list() {
  const std::uint32_t offset = peek().offset;
  Expr* first = parse_expression();
  if (!at_symbol(",")) return first;
  std::vector<Expr*> items = {first};
  while (accept(",")) {
    if (peek().kind == TokenKind::newline || at_symbol("=") || at_symbol(")")) break;
    items.push_back(parse_expression());
  }
  return make(ExprKind::tuple, offset, std::move(items));
}

Expr* ExpressionParser::parse_expression() {
  const Level level(*this);
  Expr* value = parse_or();
  if (!at_word("if")) return value;
  take();
  Expr* condition = parse_or();
  expect_word("else");
  Expr* otherwise = parse_expression();
  return make(ExprKind::conditional, value->offset, {value, condition, otherwise});
}

Expr* ExpressionParser::parse_or() {
  Expr* left = parse_and();
  while (accept_word("or")) left = make(ExprKind::logical_or, left->offset, {left, parse_and()});
  return left;
}
Expr* ExpressionParser::parse_and() {
  Expr* left = parse_not();
  while (accept_word("and")) left = make(ExprKind::logical_and, left->offset, {left, parse_not()});
  return left;
}
Expr* ExpressionParser::parse_not() {
  if (!at_word("not")) return parse_binary(1);
  const Level level(*this);
  const std::uint32_t offset = take().offset;
  return make_call("torch.__not__", offset, {parse_not()});
}

Expr* ExpressionParser::parse_binary(int lowest) {
  Expr* left = parse_unary();
  while (true) {
    std::string_view function;
    int precedence = 1;
    bool negated = false;
    if (peek().kind == TokenKind::symbol) {
      const BinaryOperator* found = find_operator(peek().spelling);
      if (found == nullptr || found->precedence < lowest) return left;
      function = found->function;
      precedence = found->precedence;
      take();
    } else if (lowest <= 1 && at_word("is")) {
      take();
      function = accept_word("not") ? "torch.__isnot__" : "torch.__is__";
    } else if (lowest <= 1 && (at_word("in") || (at_word("not") && peek(1).spelling == "in"))) {
      if (in_target_) return left;
      negated = accept_word("not");
      take();
      Expr* container = parse_binary(2);
      left = make_call("torch.__contains__", left->offset, {container, left});
      if (negated) left = make_call("torch.__not__", left->offset, {left});
      continue;
    } else {
      return left;
    }
    const Level level(*this);
    // Only ** groups to the right.
    Expr* right = parse_binary(function == "torch.pow" ? precedence : precedence + 1);
    left = make_call(function, left->offset, {left, right});
  }
}

Expr* ExpressionParser::parse_unary() {
  const std::uint32_t offset = peek().offset;
  if (accept("+")) {
    const Level level(*this);
    return parse_binary(8);
  }
  if (accept("~")) {
    const Level level(*this);
    return make_call("torch.bitwise_not", offset, {parse_binary(8)});
  }
  if (!accept("-")) return parse_postfix();
  const Level level(*this);
  if (peek().kind == TokenKind::integer && !(peek(1).kind == TokenKind::symbol && peek(1).spelling == "**")) {
    Expr* literal = make(ExprKind::integer, offset);
    literal->integer = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(take().integer));
    return parse_suffixes(literal);
  }
  Expr* operand = parse_binary(8);
  if (operand->kind == ExprKind::floating) {
    operand->number = -operand->number;
    return operand;
  }
  return make_call("torch.neg", offset, {operand});
}

Expr* ExpressionParser::parse_postfix() { return parse_suffixes(parse_primary()); }

Expr* ExpressionParser::parse_suffixes(Expr* expr) {
  while (peek().kind == TokenKind::symbol) {
    if (accept(".")) {
      expr = add_attribute(expr, expect_name());
    } else if (at_symbol("(")) {
      expr = parse_call(expr);
    } else if (accept("[")) {
      Expr* index = parse_index();
      expect("]");
      expr = make(ExprKind::subscript, expr->offset, {expr, index});
    } else {
      break;
    }
  }
  return expr;
}

// "torch.x", "ops.a.b" and "CONSTANTS.cN" are resolved as soon as they are complete; "__torch__.…" stays a name.
Expr* ExpressionParser::add_attribute(Expr* object, std::string_view name) {
  if (object->kind == ExprKind::global &&
      (object->text == "__torch__" || object->text == "torch" || object->text == "ops" ||
       object->text == "CONSTANTS") &&
      scope_.slots.find(object->text) == scope_.slots.end()) {
    scope_.reads.pop_back();  // the name was read just now
    if (object->text == "CONSTANTS") {
      object->kind = ExprKind::constant;
      object->integer = constant_index(name, object->offset);
      return object;
    }
    object->kind = object->text == "__torch__" ? ExprKind::qualified : ExprKind::operation;
  } else if (object->kind != ExprKind::qualified && object->kind != ExprKind::operation) {
    Expr* expr = make(ExprKind::attribute, object->offset, {object});
    expr->text = name;
    return expr;
  }
  object->text += '.';
  object->text += name;
  if (object->text.size() > 1000) fail_at(object->offset, "a name of more than 1000 characters");
  return object;
}

std::int64_t ExpressionParser::constant_index(std::string_view name, std::uint32_t offset) const {
  std::int64_t index = 0;
  bool valid = name.size() >= 2 && name.size() < 12 && name[0] == 'c';
  for (const char c : name.substr(std::min<std::size_t>(1, name.size()))) {
    if (!(valid = valid && c >= '0' && c <= '9')) break;
    index = index * 10 + (c - '0');
  }
  if (!valid) fail_at(offset, fmt::format("CONSTANTS.{}: expected c0, c1, …", name));
  return index;
}

Expr* ExpressionParser::parse_call(Expr* callee) {
  expect("(");
  const std::uint32_t offset = callee->offset;
  std::vector<Expr*> children = {callee};
  std::vector<std::string> keywords;
  while (!at_symbol(")")) {
    if (peek().kind == TokenKind::name && peek(1).kind == TokenKind::symbol && peek(1).spelling == "=") {
      keywords.emplace_back(take().spelling);
      take();
    } else if (!keywords.empty()) {
      fail("a positional argument follows a keyword argument");
    } else if (at_symbol("*") || at_symbol("**")) {
      fail("unpacking in a call; TorchScript has positional and keyword arguments only");
    }
    children.push_back(parse_expression());
    if (!accept(",")) break;
  }
  expect(")");
  if (callee->kind == ExprKind::operation) callee->operation = operations_.find(callee->text);
  // A method of a tensor, a list or a string is the function of that name.
  if (callee->kind == ExprKind::attribute) callee->operation = operations_.find("torch." + callee->text);
  if (callee->kind == ExprKind::global && keywords.empty()) {
    if (Expr* special = make_special(*callee, children)) return special;
  }
  Expr* call = make(ExprKind::call, offset, std::move(children));
  call->keywords = std::move(keywords);
  return call;
}

// The forms whose operands are types.
Expr* ExpressionParser::make_special(const Expr& callee, const std::vector<Expr*>& children) {
  struct Form {
    std::string_view name;
    ExprKind kind;
    std::size_t arguments;
  };
  static constexpr std::array<Form, 4> kForms = {{{"annotate", ExprKind::annotate, 2},
                                                  {"unchecked_cast", ExprKind::annotate, 2},
                                                  {"uninitialized", ExprKind::uninitialized, 1},
                                                  {"isinstance", ExprKind::isinstance, 2}}};
  for (const Form& form : kForms) {
    if (callee.text != form.name) continue;
    if (children.size() != form.arguments + 1) {
      fail_at(callee.offset,
              fmt::format("{} takes {} arguments, found {}", form.name, form.arguments, children.size() - 1));
    }
    return make(form.kind, callee.offset, {children.begin() + 1, children.end()});
  }
  return nullptr;
}

Expr* ExpressionParser::parse_index() {
  const std::uint32_t offset = peek().offset;
  std::vector<Expr*> items;
  bool tuple = false;
  do {
    if (at_symbol("]")) break;
    items.push_back(parse_index_item());
    tuple = tuple || at_symbol(",");
  } while (accept(","));
  if (items.empty()) fail_expected("an index");
  return tuple ? make(ExprKind::tuple, offset, std::move(items)) : items[0];
}

Expr* ExpressionParser::parse_index_item() {
  const std::uint32_t offset = peek().offset;
  std::array<Expr*, 3> parts = {};
  std::size_t count = 0;
  bool slice = false;
  while (true) {
    if (!at_symbol(":") && !at_symbol(",") && !at_symbol("]")) parts[count] = parse_expression();
    if (!at_symbol(":") || count == 2) break;
    take();
    slice = true;
    ++count;
  }
  if (!slice) {
    if (parts[0] == nullptr) fail_expected("an index");
    return parts[0];
  }
  return make(ExprKind::slice, offset, {parts.begin(), parts.end()});
}

Expr* ExpressionParser::parse_primary() {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::integer: {
      if (token.integer == INT64_MIN) fail("9223372036854775808 is no 64-bit integer");
      Expr* literal = make(ExprKind::integer, token.offset);
      literal->integer = take().integer;
      return literal;
    }
    case TokenKind::floating: {
      Expr* literal = make(ExprKind::floating, token.offset);
      literal->number = take().number;
      return literal;
    }
    case TokenKind::text: {
      Expr* literal = make(ExprKind::text, token.offset);
      // Python joins neighbouring literals.
      while (peek().kind == TokenKind::text) literal->text += take().text;
      return literal;
    }
    case TokenKind::name: return parse_name();
    case TokenKind::symbol: break;
    default: fail_expected("an expression");
  }
  if (at_symbol("(")) return parse_brackets();
  if (at_symbol("[")) return parse_list();
  if (at_symbol("{")) return parse_dict();
  fail_expected("an expression");
}

Expr* ExpressionParser::parse_name() {
  const Token& token = take();
  if (token.spelling == "None") return make(ExprKind::none, token.offset);
  if (token.spelling == "True" || token.spelling == "False") {
    Expr* literal = make(ExprKind::boolean, token.offset);
    literal->integer = token.spelling == "True" ? 1 : 0;
    return literal;
  }
  if (token.spelling == "lambda" || token.spelling == "yield" || token.spelling == "await") {
    fail_at(token.offset, fmt::format("\"{}\" is no TorchScript", token.spelling));
  }
  Expr* name = make(ExprKind::global, token.offset);
  name->text = token.spelling;
  scope_.reads.push_back(name);
  return name;
}

Expr* ExpressionParser::parse_brackets() {
  const Level level(*this);
  const std::uint32_t offset = take().offset;
  std::vector<Expr*> items;
  bool tuple = false;
  while (!at_symbol(")")) {
    items.push_back(parse_expression());
    if (!at_symbol(",")) break;
    take();
    tuple = true;
  }
  expect(")");
  return tuple || items.empty() ? make(ExprKind::tuple, offset, std::move(items)) : items[0];
}

Expr* ExpressionParser::parse_list() {
  const Level level(*this);
  const std::uint32_t offset = take().offset;
  std::vector<Expr*> items;
  while (!at_symbol("]")) {
    items.push_back(parse_expression());
    if (items.size() == 1 && at_word("for")) return parse_comprehension(items[0]);
    if (!accept(",")) break;
  }
  expect("]");
  return make(ExprKind::list, offset, std::move(items));
}

Expr* ExpressionParser::parse_comprehension(Expr* element) {
  take();
  Expr* loop = make(ExprKind::comprehension, element->offset);
  loop->slot = scope_.slot(expect_name());
  expect_word("in");
  Expr* iterable = parse_or();
  Expr* condition = accept_word("if") ? parse_or() : nullptr;
  expect("]");
  loop->children = {element, iterable, condition};
  loop->depth = static_cast<std::uint16_t>(std::max(element->depth, iterable->depth) + 1);
  return loop;
}

Expr* ExpressionParser::parse_dict() {
  const Level level(*this);
  const std::uint32_t offset = take().offset;
  std::vector<Expr*> items;
  while (!at_symbol("}")) {
    items.push_back(parse_expression());
    expect(":");
    items.push_back(parse_expression());
    if (!accept(",")) break;
  }
  expect("}");
  return make(ExprKind::dict, offset, std::move(items));
}

}  // namespace wherry::import::torchscript
