// The interpreter's statements: assignment, control flow, and what becomes of control flow that cannot be followed.

#include <algorithm>

#include "base/check.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"

namespace wherry::import::torchscript {

Interpreter::Flow Interpreter::run_block(const std::vector<Statement*>& body, Frame& frame) {
  for (const Statement* statement : body) {
    if (const Flow flow = run_statement(*statement, frame); flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement, Frame& frame) {
  charge(1);
  stack_.back().offset = statement.offset;
  switch (statement.kind) {
    case StatementKind::pass: return Flow::next;
    case StatementKind::stop: return Flow::stopped;
    case StatementKind::next: return Flow::continued;
    case StatementKind::expression: evaluate(*statement.value, frame); return Flow::next;
    case StatementKind::give_back:
      frame.result = statement.value != nullptr ? evaluate(*statement.value, frame) : PythonValue(None());
      return Flow::returned;
    case StatementKind::assign: {
      PythonValue value = evaluate(*statement.value, frame);
      for (const Expr* target : statement.targets) assign(*target, value, frame);
      return Flow::next;
    }
    case StatementKind::define:
      assign(*statement.targets[0],
             new_callable({statement.function, nullptr, nullptr, statement.function->name, None()}), frame);
      return Flow::next;
    case StatementKind::assertion: {
      const std::optional<bool> holds = truth(evaluate(*statement.value, frame));
      if (holds && !*holds) {
        raise(statement.message != nullptr ? to_text(evaluate(*statement.message, frame))
                                           : "an assertion does not hold");
      }
      return Flow::next;
    }
    case StatementKind::raise:
      raise(statement.value != nullptr ? to_text(evaluate(*statement.value, frame)) : "an exception");
    default: break;
  }
  const Nesting nesting(*this);
  switch (statement.kind) {
    case StatementKind::branch: return run_branch(statement, frame);
    case StatementKind::loop_while: return run_while(statement, frame);
    case StatementKind::loop_for: return run_for(statement, frame);
    case StatementKind::with: {
      // Contexts switch gradients, profiling or precision; none of it changes what an evaluation computes.
      PythonValue context = evaluate(*statement.value, frame);
      if (!statement.targets.empty()) assign(*statement.targets[0], std::move(context), frame);
      return run_block(statement.body, frame);
    }
    default: return Flow::next;
  }
}

Interpreter::Flow Interpreter::run_branch(const Statement& statement, Frame& frame) {
  const std::optional<bool> condition = truth(evaluate(*statement.value, frame));
  if (condition) return run_block(*condition ? statement.body : statement.otherwise, frame);
  const Flow first = explore(statement.body, frame);
  const Flow second = explore(statement.otherwise, frame);
  if (first != Flow::returned || second != Flow::returned) return Flow::next;
  frame.result = unknown();
  return Flow::returned;
}

Interpreter::Flow Interpreter::run_while(const Statement& statement, Frame& frame) {
  while (true) {
    stack_.back().offset = statement.offset;
    const std::optional<bool> condition = truth(evaluate(*statement.value, frame));
    if (!condition) {
      explore(statement.body, frame);
      return Flow::next;
    }
    if (!*condition) return Flow::next;
    const Flow flow = run_block(statement.body, frame);
    if (flow == Flow::returned) return flow;
    if (flow == Flow::stopped) return Flow::next;
  }
}

Interpreter::Flow Interpreter::run_for(const Statement& statement, Frame& frame) {
  const auto items = iterate(evaluate(*statement.value, frame));
  if (!items) {
    assign(*statement.targets[0], unknown(), frame);
    explore(statement.body, frame);
    return Flow::next;
  }
  for (const PythonValue& item : *items) {
    charge(1);
    assign(*statement.targets[0], item, frame);
    const Flow flow = run_block(statement.body, frame);
    if (flow == Flow::returned) return flow;
    if (flow == Flow::stopped) break;
  }
  return Flow::next;
}

// Runs code that may or may not be reached, to find the ops in it. The model is refused already; nothing that goes
// wrong here is news.
Interpreter::Flow Interpreter::explore(const std::vector<Statement*>& body, Frame& frame) {
  const std::size_t depth = stack_.size();
  ++exploring_;
  Flow flow = Flow::next;
  try {
    flow = run_block(body, frame);
  } catch (const Abandoned&) {
  } catch (const Unsupported& error) {
    tracer_.report(error.what());
  } catch (const InvalidModel&) {
  } catch (const InvalidInput&) {
  }
  --exploring_;
  stack_.resize(depth);
  return flow;
}

void Interpreter::raise(const std::string& message) {
  if (exploring_ > 0) throw Abandoned();
  base::fail<InvalidInput>("the model refuses its input: {}", message);
}

void Interpreter::assign(const Expr& target, PythonValue value, Frame& frame) {
  switch (target.kind) {
    case ExprKind::local: frame.slot(target.slot) = std::move(value); return;
    case ExprKind::attribute:
      set_attribute(evaluate(*target.children[0], frame), target.text, std::move(value));
      return;
    case ExprKind::subscript: {
      PythonValue container = evaluate(*target.children[0], frame);
      PythonValue index = evaluate(*target.children[1], frame);
      call_operation(language_operations().set_item, {{std::move(container), std::move(index), std::move(value)}, {}});
      return;
    }
    case ExprKind::tuple:
    case ExprKind::list: {
      const Nesting nesting(*this);
      const auto items = is_unknown(value) ? std::nullopt : iterate(value);
      if (items && items->size() != target.children.size()) {
        base::fail<InvalidModel>("{} values are assigned to {} names", items->size(), target.children.size());
      }
      for (std::size_t i = 0; i < target.children.size(); ++i) {
        assign(*target.children[i], items ? (*items)[i] : unknown(), frame);
      }
      return;
    }
    default: base::fail<InvalidModel>("an assignment to {}", target.text.substr(0, 100));
  }
}

void Interpreter::set_attribute(const PythonValue& object, const std::string& name, PythonValue value) {
  const auto* pointer = std::get_if<Instance*>(&object);
  if (pointer == nullptr) {
    if (is_unknown(object)) return;
    base::fail<InvalidModel>("the attribute {} of {} cannot be set", name, type_name(object));
  }
  Instance& instance = **pointer;
  charge(1);
  // A module that reads an attribute and then changes it computes something else in the next call.
  const bool was_read = attribute_reads_.contains({&instance, name});
  if (was_read && modules_.paths.contains(&instance)) {
    tracer_.report(fmt::format("the module's attribute {}, which one call leaves to the next,", name));
  }
  for (auto& [attribute, old] : instance.attributes) {
    if (attribute == name) {
      old = std::move(value);
      return;
    }
  }
  instance.attributes.emplace_back(name, std::move(value));
}

}  // namespace wherry::import::torchscript
