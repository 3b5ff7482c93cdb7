#pragma once
// The syntax tree of one code file. Nodes live in the CodeUnit's deques and point to each other plainly, so a deep tree
// is freed without recursion. Names of locals are resolved to slots, and operator names to Operations, while parsing:
// a tree is walked for every input shape, but parsed once.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wherry::import::torchscript {

struct Operation;
class SourceMap;

enum class ExprKind : std::uint8_t {
  none,
  boolean,  ///< integer: 0 or 1
  integer,
  floating,
  text,
  local,          ///< slot of the function's frame
  global,         ///< a name that is no local: a type, or an error when evaluated
  constant,       ///< CONSTANTS.c<integer>
  operation,      ///< torch.add, ops.prim.dtype, int, …
  qualified,      ///< __torch__.torch.nn.functional.relu
  attribute,      ///< children: object; text: name
  subscript,      ///< children: object, index
  slice,          ///< children: start, stop, step (each may be null)
  call,           ///< children: callee, positional arguments…, keyword arguments…
  annotate,       ///< annotate(T, x), unchecked_cast(T, x); children: type, value
  uninitialized,  ///< children: type
  isinstance,     ///< children: value, type
  list,
  tuple,
  dict,         ///< children: key, value, key, value, …
  conditional,  ///< children: then, condition, otherwise
  logical_and,
  logical_or,
  comprehension,  ///< children: element, iterable, condition or null; slot: the loop variable
};

struct Expr {
  ExprKind kind = ExprKind::none;
  std::uint16_t depth = 0;   ///< of the tree below, bounded by the parser
  std::uint32_t offset = 0;  ///< in the file
  std::int32_t slot = -1;
  std::int64_t integer = 0;
  double number = 0;
  const Operation* operation = nullptr;
  std::string text;
  std::vector<Expr*> children;
  std::vector<std::string> keywords;  ///< of a call: names of its last children
};

enum class StatementKind : std::uint8_t {
  expression,  ///< value
  assign,      ///< targets (one for each "="), value
  branch,      ///< value: condition; body, otherwise
  loop_while,  ///< value: condition; body
  loop_for,    ///< targets[0]: variable, value: iterable; body
  give_back,   ///< return; value or null
  pass,
  stop,       ///< break
  next,       ///< continue
  assertion,  ///< value: condition; message or null
  raise,      ///< value or null
  with,       ///< value: the context, entered and left without effect; body
  define,     ///< a nested function; targets[0]: its local
};

struct FunctionDef;

struct Statement {
  StatementKind kind = StatementKind::pass;
  std::uint32_t offset = 0;
  std::vector<Expr*> targets;
  Expr* value = nullptr;
  Expr* message = nullptr;
  const FunctionDef* function = nullptr;
  std::vector<Statement*> body;
  std::vector<Statement*> otherwise;
};

struct Parameter {
  std::string name;
  const Expr* type = nullptr;      ///< null where not annotated
  const Expr* fallback = nullptr;  ///< the default, null where there is none
};

struct CodeUnit;

struct FunctionDef {
  const CodeUnit* unit = nullptr;
  std::string name;
  std::uint32_t offset = 0;
  std::vector<Parameter> parameters;  ///< they are the first slots; a method's `self` is slot 0
  const Expr* result_type = nullptr;
  std::vector<Statement*> body;
  std::vector<std::string> locals;  ///< names by slot
};

enum class ClassKind : std::uint8_t { module, object, named_tuple, interface, enumeration };

struct ClassDef {
  struct Field {
    std::string name;
    const Expr* type = nullptr;
    const Expr* value = nullptr;  ///< of a Final attribute, an enumerator or a field's default
  };
  const CodeUnit* unit = nullptr;
  std::string name;
  ClassKind kind = ClassKind::object;
  std::uint32_t offset = 0;
  std::vector<std::string> parameters;  ///< __parameters__
  std::vector<std::string> hooks;       ///< __forward_hooks__ and __forward_pre_hooks__
  std::vector<Field> fields;
  std::vector<const FunctionDef*> methods;

  const FunctionDef* find_method(std::string_view method) const;
  const Field* find_field(std::string_view field) const;
};

/// One parsed file of code/.
struct CodeUnit {
  std::string path;    ///< "code/__torch__/torchvision/models/resnet.py"
  std::string source;  ///< tokens and offsets refer to it
  std::deque<Expr> expressions;
  std::deque<Statement> statements;
  std::deque<FunctionDef> definitions;
  std::deque<ClassDef> classes;
  std::unordered_map<std::string_view, const FunctionDef*> functions;  ///< of the file's top level
  std::vector<std::string> assigned_attributes;  ///< names that some statement of the file assigns to ("self.x = …")
  std::shared_ptr<const SourceMap> source_map;   ///< null where the archive has no debug information

  const ClassDef* find_class(std::string_view name) const;
};

/// A type as it is written: "Optional[Tensor]".
std::string type_text(const Expr& type);

}  // namespace wherry::import::torchscript
