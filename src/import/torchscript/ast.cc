#include "import/torchscript/ast.h"

namespace wherry::import::torchscript {

const FunctionDef* ClassDef::find_method(std::string_view method) const {
  for (const FunctionDef* candidate : methods) {
    if (candidate->name == method) return candidate;
  }
  return nullptr;
}

const ClassDef::Field* ClassDef::find_field(std::string_view field) const {
  for (const Field& candidate : fields) {
    if (candidate.name == field) return &candidate;
  }
  return nullptr;
}

const ClassDef* CodeUnit::find_class(std::string_view name) const {
  for (const ClassDef& candidate : classes) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

std::string type_text(const Expr& type) {
  switch (type.kind) {
    case ExprKind::none: return "None";
    case ExprKind::text: return '"' + type.text + '"';
    case ExprKind::integer: return std::to_string(type.integer);
    case ExprKind::subscript: return type_text(*type.children[0]) + "[" + type_text(*type.children[1]) + "]";
    case ExprKind::attribute: return type_text(*type.children[0]) + "." + type.text;
    case ExprKind::tuple:
    case ExprKind::list: {
      std::string text;
      for (const Expr* item : type.children) text += (text.empty() ? "" : ", ") + type_text(*item);
      return text.empty() ? "()" : text;
    }
    default: return type.text.empty() ? "?" : type.text;
  }
}

}  // namespace wherry::import::torchscript
