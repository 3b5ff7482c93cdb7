#include "import/torchscript/parser.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "import/torchscript/lexer.h"
#include "import/torchscript/operations.h"

namespace wherry::import::torchscript {
namespace {

// PyTorch's own printer folds expressions at a depth of a few dozen.
constexpr int kMaxDepth = 200;

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

// The names of one function's variables. A name belongs to the function where any statement of it assigns the name.
struct Scope {
  std::unordered_map<std::string_view, int> slots;
  std::vector<std::string> names;
  std::vector<Expr*> reads;  // names read before the whole function is known

  int slot(std::string_view name) {
    const auto [it, added] = slots.try_emplace(name, static_cast<int>(names.size()));
    if (added) names.emplace_back(name);
    return it->second;
  }
};

class Parser {
 public:
  Parser(CodeUnit& unit, OperationTable& operations)
      : unit_(unit), operations_(operations), tokens_(tokenize(unit.source, unit.path)) {}

  void run() {
    while (peek().kind != TokenKind::end) parse_top_level();
  }

 private:
  // --- tokens -------------------------------------------------------------------------------------------------------

  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& take() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool at_symbol(std::string_view symbol) const {
    return peek().kind == TokenKind::symbol && peek().spelling == symbol;
  }
  bool at_word(std::string_view word) const { return peek().kind == TokenKind::name && peek().spelling == word; }
  bool accept(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    take();
    return true;
  }
  bool accept_word(std::string_view word) {
    if (!at_word(word)) return false;
    take();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!accept(symbol)) fail_expected(fmt::format("\"{}\"", symbol));
  }
  void expect_word(std::string_view word) {
    if (!accept_word(word)) fail_expected(fmt::format("\"{}\"", word));
  }
  std::string_view expect_name() {
    if (peek().kind != TokenKind::name) fail_expected("a name");
    return take().spelling;
  }
  void expect_newline() {
    if (peek().kind == TokenKind::end) return;
    if (peek().kind != TokenKind::newline) fail_expected("the end of the line");
    take();
  }

  static std::string describe(const Token& token) {
    switch (token.kind) {
      case TokenKind::newline: return "the end of the line";
      case TokenKind::indent: return "an indented block";
      case TokenKind::dedent: return "the end of a block";
      case TokenKind::end: return "the end of the file";
      default: return fmt::format("\"{}\"", token.spelling.substr(0, 60));
    }
  }
  [[noreturn]] void fail(std::string_view what) const { fail_at(peek().offset, what); }
  [[noreturn]] void fail_at(std::uint32_t offset, std::string_view what) const {
    base::fail<InvalidModel>("{}:{}: {}", unit_.path, line_of(unit_.source, offset), what);
  }
  [[noreturn]] void fail_expected(std::string_view expected) const {
    fail(fmt::format("found {}, expected {}", describe(peek()), expected));
  }

  // --- nodes --------------------------------------------------------------------------------------------------------

  Expr* make(ExprKind kind, std::uint32_t offset, std::vector<Expr*> children = {}) {
    Expr& expr = unit_.expressions.emplace_back();
    expr.kind = kind;
    expr.offset = offset;
    int depth = 1;
    for (const Expr* child : children) {
      if (child != nullptr) depth = std::max(depth, child->depth + 1);
    }
    if (depth > kMaxDepth) fail_at(offset, fmt::format("an expression nests more than {} deep", kMaxDepth));
    expr.depth = static_cast<std::uint16_t>(depth);
    expr.children = std::move(children);
    return &expr;
  }

  Expr* make_operation(std::string_view function, std::uint32_t offset) {
    Expr* expr = make(ExprKind::operation, offset);
    expr->text = function;
    expr->operation = operations_.find(function);
    return expr;
  }
  Expr* make_call(std::string_view function, std::uint32_t offset, std::vector<Expr*> arguments) {
    arguments.insert(arguments.begin(), make_operation(function, offset));
    return make(ExprKind::call, offset, std::move(arguments));
  }

  // Guards the parser's own recursion.
  struct Level {
    explicit Level(Parser& owner) : parser(owner) {
      if (++parser.depth_ > kMaxDepth) parser.fail(fmt::format("nested more than {} deep", kMaxDepth));
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --parser.depth_; }
    Parser& parser;
  };

  // --- expressions --------------------------------------------------------------------------------------------------

  // A tuple without brackets, or one expression.
  Expr* parse_expression_list() {
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

  Expr* parse_expression() {
    const Level level(*this);
    Expr* value = parse_or();
    if (!at_word("if")) return value;
    take();
    Expr* condition = parse_or();
    expect_word("else");
    Expr* otherwise = parse_expression();
    return make(ExprKind::conditional, value->offset, {value, condition, otherwise});
  }

  Expr* parse_or() {
    Expr* left = parse_and();
    while (accept_word("or")) left = make(ExprKind::logical_or, left->offset, {left, parse_and()});
    return left;
  }
  Expr* parse_and() {
    Expr* left = parse_not();
    while (accept_word("and")) left = make(ExprKind::logical_and, left->offset, {left, parse_not()});
    return left;
  }
  Expr* parse_not() {
    if (!at_word("not")) return parse_binary(1);
    const Level level(*this);
    const std::uint32_t offset = take().offset;
    return make_call("torch.__not__", offset, {parse_not()});
  }

  Expr* parse_binary(int lowest) {
    Expr* left = parse_unary();
    while (true) {
      std::string_view function;
      int precedence = 1;
      bool negated = false;
      if (peek().kind == TokenKind::symbol) {
        const auto found = std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                                        [&](const BinaryOperator& op) { return op.symbol == peek().spelling; });
        if (found == kBinaryOperators.end() || found->precedence < lowest) return left;
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

  Expr* parse_unary() {
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

  Expr* parse_postfix() { return parse_suffixes(parse_primary()); }

  Expr* parse_suffixes(Expr* expr) {
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
  Expr* add_attribute(Expr* object, std::string_view name) {
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

  std::int64_t constant_index(std::string_view name, std::uint32_t offset) const {
    std::int64_t index = 0;
    bool valid = name.size() >= 2 && name.size() < 12 && name[0] == 'c';
    for (const char c : name.substr(std::min<std::size_t>(1, name.size()))) {
      if (!(valid = valid && c >= '0' && c <= '9')) break;
      index = index * 10 + (c - '0');
    }
    if (!valid) fail_at(offset, fmt::format("CONSTANTS.{}: expected c0, c1, …", name));
    return index;
  }

  Expr* parse_call(Expr* callee) {
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
  Expr* make_special(const Expr& callee, const std::vector<Expr*>& children) {
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

  Expr* parse_index() {
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

  Expr* parse_index_item() {
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

  Expr* parse_primary() {
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

  Expr* parse_name() {
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

  Expr* parse_brackets() {
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

  Expr* parse_list() {
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

  Expr* parse_comprehension(Expr* element) {
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

  Expr* parse_dict() {
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

  // --- statements ---------------------------------------------------------------------------------------------------

  Statement* make_statement(StatementKind kind, std::uint32_t offset) {
    Statement& statement = unit_.statements.emplace_back();
    statement.kind = kind;
    statement.offset = offset;
    return &statement;
  }

  std::vector<Statement*> parse_block() {
    const Level level(*this);
    expect(":");
    std::vector<Statement*> body;
    if (peek().kind != TokenKind::newline) {  // "if x: return y"
      body.push_back(parse_statement());
      return body;
    }
    take();
    if (peek().kind != TokenKind::indent) fail_expected("an indented block");
    take();
    while (peek().kind != TokenKind::dedent && peek().kind != TokenKind::end) body.push_back(parse_statement());
    if (peek().kind == TokenKind::dedent) take();
    return body;
  }

  Statement* parse_statement() {
    const Token& token = peek();
    const std::uint32_t offset = token.offset;
    if (token.kind == TokenKind::name) {
      const std::string_view word = token.spelling;
      if (word == "if") return parse_branch();
      if (word == "while") {
        take();
        Statement* loop = make_statement(StatementKind::loop_while, offset);
        loop->value = parse_expression();
        loop->body = parse_block();
        return loop;
      }
      if (word == "for") return parse_for();
      if (word == "with") return parse_with();
      if (word == "def") return parse_nested_function();
      if (word == "class" || word == "try" || word == "async" || word == "global" || word == "import") {
        fail(fmt::format("\"{}\" inside a function is no TorchScript", word));
      }
      Statement* statement = parse_simple(word, offset);
      if (statement != nullptr) {
        expect_newline();
        return statement;
      }
    }
    Statement* statement = parse_assignment();
    expect_newline();
    return statement;
  }

  Statement* parse_simple(std::string_view word, std::uint32_t offset) {
    struct Word {
      std::string_view spelling;
      StatementKind kind;
    };
    static constexpr std::array<Word, 6> kWords = {{{"pass", StatementKind::pass},
                                                    {"break", StatementKind::stop},
                                                    {"continue", StatementKind::next},
                                                    {"return", StatementKind::give_back},
                                                    {"raise", StatementKind::raise},
                                                    {"assert", StatementKind::assertion}}};
    const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.spelling == word; });
    if (found == kWords.end()) return nullptr;
    take();
    Statement* statement = make_statement(found->kind, offset);
    if (found->kind == StatementKind::assertion) {
      statement->value = parse_expression();
      if (accept(",")) statement->message = parse_expression();
    } else if (found->kind == StatementKind::give_back || found->kind == StatementKind::raise) {
      if (peek().kind != TokenKind::newline) statement->value = parse_expression_list();
    }
    return statement;
  }

  Statement* parse_branch() {
    const Level level(*this);
    Statement* statement = make_statement(StatementKind::branch, take().offset);
    statement->value = parse_expression();
    statement->body = parse_block();
    if (at_word("elif")) {
      statement->otherwise.push_back(parse_branch());
    } else if (accept_word("else")) {
      statement->otherwise = parse_block();
    }
    return statement;
  }

  Statement* parse_for() {
    Statement* loop = make_statement(StatementKind::loop_for, take().offset);
    in_target_ = true;
    Expr* target = parse_expression_list();
    in_target_ = false;
    make_target(target);
    loop->targets = {target};
    expect_word("in");
    loop->value = parse_expression_list();
    loop->body = parse_block();
    return loop;
  }

  Statement* parse_with() {
    Statement* with = make_statement(StatementKind::with, take().offset);
    with->value = parse_expression();
    if (accept_word("as")) {
      Expr* target = parse_postfix();
      make_target(target);
      with->targets = {target};
    }
    with->body = parse_block();
    return with;
  }

  Statement* parse_assignment() {
    const std::uint32_t offset = peek().offset;
    Expr* first = parse_expression_list();
    if (accept(":")) {  // an annotated variable
      make_target(first);
      parse_type();
      Statement* statement = make_statement(StatementKind::pass, offset);
      if (accept("=")) {
        statement->kind = StatementKind::assign;
        statement->targets = {first};
        statement->value = parse_expression_list();
      }
      return statement;
    }
    if (peek().kind == TokenKind::symbol && peek().spelling.size() >= 2 && peek().spelling.back() == '=') {
      const std::string_view symbol = peek().spelling.substr(0, peek().spelling.size() - 1);
      const auto found = std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                                      [&](const BinaryOperator& op) { return op.symbol == symbol; });
      if (found != kBinaryOperators.end() && found->precedence > 1) return parse_augmented(first, found->function);
    }
    if (!at_symbol("=")) {
      Statement* statement = make_statement(StatementKind::expression, offset);
      statement->value = first;
      return statement;
    }
    Statement* statement = make_statement(StatementKind::assign, offset);
    Expr* last = first;
    while (accept("=")) {
      make_target(last);
      statement->targets.push_back(last);
      last = parse_expression_list();
    }
    statement->value = last;
    return statement;
  }

  // PyTorch's printer never writes these for tensors, where they would change the tensor in place.
  Statement* parse_augmented(Expr* target, std::string_view function) {
    take();
    Statement* statement = make_statement(StatementKind::assign, target->offset);
    make_target(target);
    statement->targets = {target};
    statement->value = make_call(function, target->offset, {target, parse_expression()});
    return statement;
  }

  void make_target(Expr* target) {
    switch (target->kind) {
      case ExprKind::global: scope_.slot(target->text); return;
      case ExprKind::attribute: unit_.assigned_attributes.push_back(target->text); return;
      case ExprKind::subscript: return;
      case ExprKind::tuple:
      case ExprKind::list:
        for (Expr* item : target->children) make_target(item);
        return;
      default:
        fail_at(target->offset, "cannot assign to this; expected a name, an attribute, an element or a tuple of them");
    }
  }

  const Expr* parse_type() { return parse_expression(); }

  // --- functions and classes ----------------------------------------------------------------------------------------

  Statement* parse_nested_function() {
    const Level level(*this);
    Statement* statement = make_statement(StatementKind::define, peek().offset);
    Scope outer = std::move(scope_);
    scope_ = Scope();
    statement->function = parse_function();
    scope_ = std::move(outer);
    Expr* target = make(ExprKind::global, statement->offset);
    target->text = statement->function->name;
    scope_.reads.push_back(target);
    make_target(target);
    statement->targets = {target};
    return statement;
  }

  // `scope_` is fresh.
  const FunctionDef* parse_function() {
    FunctionDef& function = unit_.definitions.emplace_back();
    function.unit = &unit_;
    function.offset = peek().offset;
    expect_word("def");
    function.name = expect_name();
    expect("(");
    while (!at_symbol(")")) {
      if (at_symbol("*") || at_symbol("**")) {
        base::fail<Unsupported>("{}:{}: {} takes a variable number of arguments", unit_.path,
                                line_of(unit_.source, peek().offset), function.name);
      }
      Parameter parameter;
      const std::uint32_t offset = peek().offset;
      const std::string_view name = expect_name();
      if (static_cast<std::size_t>(scope_.slot(name)) != function.parameters.size()) {
        fail_at(offset, fmt::format("the parameter {} stands twice", name));
      }
      parameter.name = name;
      if (accept(":")) parameter.type = parse_type();
      if (accept("=")) parameter.fallback = parse_expression();
      function.parameters.push_back(std::move(parameter));
      if (!accept(",")) break;
    }
    expect(")");
    if (accept("->")) function.result_type = parse_type();
    function.body = parse_block();
    resolve_names(function);
    return &function;
  }

  void resolve_names(FunctionDef& function) {
    for (Expr* read : scope_.reads) {
      if (read->kind != ExprKind::global) continue;
      if (const auto found = scope_.slots.find(read->text); found != scope_.slots.end()) {
        read->kind = ExprKind::local;
        read->slot = found->second;
      } else if (OperationTable::is_function(read->text)) {
        read->kind = ExprKind::operation;
        read->operation = operations_.find(read->text);
      }
    }
    function.locals = std::move(scope_.names);
    scope_ = Scope();
  }

  void parse_top_level() {
    scope_ = Scope();
    if (at_word("class")) {
      parse_class();
    } else if (at_word("def")) {
      const FunctionDef* function = parse_function();
      unit_.functions.emplace(function->name, function);
    } else if (at_word("import") || at_word("from") || at_word("op_version_set")) {
      // Old archives name their version and import each other; the qualified names say it again.
      while (peek().kind != TokenKind::newline && peek().kind != TokenKind::end) take();
      expect_newline();
    } else {
      fail_expected("a class or a function");
    }
  }

  void parse_class() {
    ClassDef& definition = unit_.classes.emplace_back();
    definition.unit = &unit_;
    definition.offset = take().offset;
    definition.name = expect_name();
    if (accept("(")) {
      if (!at_symbol(")")) {
        const std::string base = type_text(*parse_type());
        definition.kind = base == "Module"                                   ? ClassKind::module
                          : base == "NamedTuple"                             ? ClassKind::named_tuple
                          : base == "Interface" || base == "ModuleInterface" ? ClassKind::interface
                          : base == "Enum"                                   ? ClassKind::enumeration
                                                                             : ClassKind::object;
      }
      expect(")");
    }
    expect(":");
    expect_newline();
    if (peek().kind != TokenKind::indent) fail_expected("an indented block");
    take();
    while (peek().kind != TokenKind::dedent && peek().kind != TokenKind::end) parse_member(definition);
    if (peek().kind == TokenKind::dedent) take();
  }

  void parse_member(ClassDef& definition) {
    scope_ = Scope();
    if (at_word("def")) {
      definition.methods.push_back(parse_function());
      return;
    }
    if (accept_word("pass") || peek().kind == TokenKind::text) {
      if (peek().kind == TokenKind::text) take();
      expect_newline();
      return;
    }
    const std::uint32_t offset = peek().offset;
    const std::string_view name = expect_name();
    if (name == "__annotations__" && accept("[")) {  // attributes whose names are no identifiers
      if (peek().kind != TokenKind::text) fail_expected("a string");
      ClassDef::Field field;
      field.name = take().text;
      expect("]");
      expect("=");
      field.type = parse_type();
      definition.fields.push_back(std::move(field));
    } else if (accept(":")) {
      ClassDef::Field field;
      field.name = name;
      field.type = parse_type();
      if (accept("=")) field.value = parse_expression_list();
      definition.fields.push_back(std::move(field));
    } else if (accept("=")) {
      Expr* value = parse_expression_list();
      if (name == "__parameters__") {
        definition.parameters = read_names(*value);
      } else if (name == "__forward_hooks__" || name == "__forward_pre_hooks__") {
        for (std::string& hook : read_names(*value)) definition.hooks.push_back(std::move(hook));
      } else if (name != "__buffers__" && name != "__annotations__") {
        ClassDef::Field field;
        field.name = name;
        field.value = value;
        definition.fields.push_back(std::move(field));
      }
    } else {
      fail_at(offset, fmt::format("\"{}\" is no member of a class; expected an attribute or a method", name));
    }
    expect_newline();
    // Types and constants of a class read no locals; functions of the language stay names here.
    for (Expr* read : scope_.reads) {
      if (read->kind == ExprKind::global && OperationTable::is_function(read->text)) {
        read->operation = operations_.find(read->text);
      }
    }
  }

  std::vector<std::string> read_names(const Expr& list) const {
    std::vector<std::string> names;
    if (list.kind != ExprKind::list) fail_at(list.offset, "expected a list of names");
    for (const Expr* item : list.children) {
      if (item->kind != ExprKind::text) fail_at(item->offset, "expected a name in quotes");
      names.push_back(item->text);
    }
    return names;
  }

  CodeUnit& unit_;
  OperationTable& operations_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool in_target_ = false;
  Scope scope_;
};

}  // namespace

std::unique_ptr<CodeUnit> parse(std::string path, std::string source, OperationTable& operations) {
  auto unit = std::make_unique<CodeUnit>();
  unit->path = std::move(path);
  unit->source = std::move(source);
  Parser(*unit, operations).run();
  return unit;
}

}  // namespace wherry::import::torchscript
