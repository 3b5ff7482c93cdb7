#include "import/torchscript/parser.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "import/torchscript/expression_parser.h"

namespace wherry::import::torchscript {
namespace {

class Parser : private ExpressionParser {
 public:
  Parser(CodeUnit& unit, OperationTable& operations) : ExpressionParser(unit, operations) {}

  void run() {
    while (peek().kind != TokenKind::end) parse_top_level();
  }

 private:
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
      if (const auto function = augmented_function(symbol)) return parse_augmented(first, *function);
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
