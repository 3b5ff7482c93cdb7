#pragma once
// Runs a model's forward method with tensors that stand for graph values. Everything that is no tensor really runs and
// leaves nothing behind; what is done to tensors ends in the graph. One interpreter serves one call.

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "import/python_value.h"
#include "import/torchscript/ast.h"
#include "import/torchscript/code_units.h"
#include "import/torchscript/module_tree.h"
#include "import/torchscript/operations.h"
#include "import/torchscript/tracer.h"

namespace wherry::import {

struct Callable {
  const torchscript::FunctionDef* function = nullptr;  ///< of the archive's code, or
  const torchscript::ClassDef* type = nullptr;         ///< a class to be made, or
  const torchscript::Operation* operation = nullptr;   ///< an operator
  std::string name;                                    ///< qualified
  PythonValue self;                                    ///< the first argument, None where nothing is bound
};

namespace torchscript {

class Interpreter {
 public:
  /// What one call may cost, about one unit for an expression or an element made. The largest models of torchvision
  /// take a twenty-fifth of it.
  static constexpr std::size_t kBudget = 2'000'000;

  /// `tree` and `code` are shared between calls and not changed, `constants` is CONSTANTS.
  Interpreter(CodeUnits& code, const ModuleTree& tree, const std::vector<PythonValue>& constants, ir::Graph& graph,
              std::size_t budget = kBudget);

  /// Runs the root's forward. Throws InvalidModel, InvalidInput or Unsupported, each with the place in the model's
  /// code.
  PythonValue run_forward(Arguments arguments);

  // --- for builtins ---

  Heap& heap() { return heap_; }
  Tracer& tracer() { return tracer_; }

  /// Counts work and memory against the budget.
  void charge(std::size_t units);

  /// A value that nothing is known of; see Tracer::report.
  PythonValue unknown() { return tracer_.unknown(); }
  bool is_unknown(const PythonValue& value) const;

  /// The number a one-element tensor holds. Reports and gives unknown() where it depends on an input.
  PythonValue item(TracedTensor& tensor);

  /// Python's truth; empty where it depends on an input (reported) or is unknown.
  std::optional<bool> truth(const PythonValue& value);

  /// The elements that a for loop over `value` sees; empty optional where unknown.
  std::optional<std::vector<PythonValue>> iterate(const PythonValue& value);

  /// An attribute of an instance or a field of a named tuple. Throws InvalidModel where there is none.
  PythonValue get_attribute(const PythonValue& object, const std::string& name);

  /// What the program's `raise` does: InvalidInput, for it refuses what it was given.
  [[noreturn]] void raise(const std::string& message);

  /// Records an op of the graph; the result is a tensor, a tuple or a list of tensors.
  PythonValue record(const Operation& operation, const Arguments& arguments);

 private:
  enum class Flow : std::uint8_t { next, returned, stopped, continued };

  struct Frame {
    const FunctionDef* function = nullptr;
    std::vector<std::optional<PythonValue>> slots;
    PythonValue result;

    /// A class's constants are evaluated without a function around them: then it grows when needed.
    std::optional<PythonValue>& slot(std::int32_t index) {
      const auto i = static_cast<std::size_t>(index);
      if (i >= slots.size()) slots.resize(i + 1);
      return slots[i];
    }
  };
  /// What the stack knows of a running function, for places in messages.
  struct Site {
    const FunctionDef* function;
    std::uint32_t offset;       // of what runs now
    const std::string* module;  // path of the innermost module
    const std::string* type;    // its class's qualified name
    // What calls() made for this site, while it and its callers are where they were.
    std::shared_ptr<const ir::Frame> frame = {};
    std::uint32_t frame_offset = 0;
  };
  struct Nesting {
    explicit Nesting(Interpreter& interpreter);
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting();
    Interpreter& interpreter;
  };
  /// Thrown to leave a branch that is run only to find out what wherry lacks.
  struct Abandoned {};

  // statements.cc
  Flow run_block(const std::vector<Statement*>& body, Frame& frame);
  Flow run_statement(const Statement& statement, Frame& frame);
  Flow run_branch(const Statement& statement, Frame& frame);
  Flow run_while(const Statement& statement, Frame& frame);
  Flow run_for(const Statement& statement, Frame& frame);
  Flow explore(const std::vector<Statement*>& body, Frame& frame);
  void assign(const Expr& target, PythonValue value, Frame& frame);
  void set_attribute(const PythonValue& object, const std::string& name, PythonValue value);

  // interpreter.cc
  PythonValue evaluate(const Expr& expr, Frame& frame);
  PythonValue evaluate_special(const Expr& expr, Frame& frame);
  PythonValue evaluate_comprehension(const Expr& expr, Frame& frame);
  PythonValue evaluate_subscript(const Expr& expr, Frame& frame);
  PythonValue evaluate_isinstance(const Expr& expr, Frame& frame);
  bool matches_type(const PythonValue& value, const Expr& type, int depth);
  PythonValue annotated(const Expr& type, PythonValue value);
  PythonValue qualified(const Expr& expr);
  PythonValue constant(std::int64_t index);
  void adopt(PythonValue& value, const std::string& name, int depth);
  Arguments evaluate_arguments(const Expr& call, Frame& frame);
  /// The module's path; null where `self` is none.
  const std::string* module_of(const PythonValue& self) const;
  const ClassDef* class_of(const Instance& instance);  // null where the code lacks it

  // calls.cc
  PythonValue evaluate_call(const Expr& call, Frame& frame);
  PythonValue call(const Callable& callable, Arguments arguments);
  PythonValue call_function(const FunctionDef& function, Arguments arguments);
  PythonValue make_object(const ClassDef& type, const std::string& name, Arguments arguments);
  PythonValue call_operation(const Operation& operation, const Arguments& arguments);
  bool reads_unknown(const Arguments& arguments) const;
  void charge_lists(const Arguments& arguments);

  Callable* new_callable(Callable callable);
  ir::Source locate();
  std::shared_ptr<const ir::Frame> calls();
  std::string place();

  CodeUnits& code_;
  const std::vector<PythonValue>& constants_;
  Heap heap_;
  Tracer tracer_;
  ModuleTree::Copy modules_;
  std::vector<PythonValue> constant_values_;
  std::unordered_map<const tensor::LazyTensor*, TracedTensor*> attributes_;
  std::unordered_map<std::string, const ClassDef*> classes_;
  std::set<std::pair<const Instance*, std::string>> attribute_reads_;  // of attributes that code assigns to
  std::unordered_set<const void*> adopted_;
  std::deque<Callable> callables_;
  std::vector<Site> stack_;
  std::size_t budget_;
  std::size_t units_ = 0;
  int nesting_ = 0;
  int exploring_ = 0;
  std::string no_module_;
};

}  // namespace torchscript
}  // namespace wherry::import
