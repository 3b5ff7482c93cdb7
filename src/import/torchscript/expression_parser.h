#pragma once
// The parser's lower half: tokens, tree nodes and expressions. Statements, functions and classes are the Parser's,
// which derives from this.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "import/torchscript/ast.h"
#include "import/torchscript/lexer.h"
#include "import/torchscript/operations.h"

namespace wherry::import::torchscript {

/// The names of one function's variables. A name belongs to the function where any statement of it assigns the name.
struct Scope {
  std::unordered_map<std::string_view, int> slots;
  std::vector<std::string> names;
  std::vector<Expr*> reads;  ///< names read before the whole function is known

  int slot(std::string_view name) {
    const auto [it, added] = slots.try_emplace(name, static_cast<int>(names.size()));
    if (added) names.emplace_back(name);
    return it->second;
  }
};

class ExpressionParser {
 protected:
  /// Of expressions and blocks. PyTorch's own printer folds expressions at a depth of a few dozen.
  static constexpr int kMaxDepth = 200;

  ExpressionParser(CodeUnit& unit, OperationTable& operations)
      : unit_(unit), operations_(operations), tokens_(tokenize(unit.source, unit.path)) {}
  ~ExpressionParser() = default;

  /// A tuple without brackets, or one expression.
  Expr* parse_expression_list();
  Expr* parse_expression();
  Expr* parse_postfix();
  /// The function behind "+" of "+=" ("torch.add"); empty for what cannot stand before "=".
  static std::optional<std::string_view> augmented_function(std::string_view symbol);

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
    explicit Level(ExpressionParser& owner) : parser(owner) {
      if (++parser.depth_ > kMaxDepth) parser.fail(fmt::format("nested more than {} deep", kMaxDepth));
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --parser.depth_; }
    ExpressionParser& parser;
  };

  CodeUnit& unit_;
  OperationTable& operations_;
  Scope scope_;
  bool in_target_ = false;  ///< of a for loop, where "in" is no operator

 private:
  Expr* parse_or();
  Expr* parse_and();
  Expr* parse_not();
  Expr* parse_binary(int lowest);
  Expr* parse_unary();
  Expr* parse_suffixes(Expr* expr);
  Expr* add_attribute(Expr* object, std::string_view name);
  std::int64_t constant_index(std::string_view name, std::uint32_t offset) const;
  Expr* parse_call(Expr* callee);
  Expr* make_special(const Expr& callee, const std::vector<Expr*>& children);
  Expr* parse_index();
  Expr* parse_index_item();
  Expr* parse_primary();
  Expr* parse_name();
  Expr* parse_brackets();
  Expr* parse_list();
  Expr* parse_comprehension(Expr* element);
  Expr* parse_dict();

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace wherry::import::torchscript
