#include "import/torchscript/code_units.h"

#include <algorithm>

#include "import/torchscript/parser.h"
#include "import/torchscript/source_map.h"

namespace wherry::import::torchscript {

CodeUnits::CodeUnits(Reader reader) : reader_(std::move(reader)) {}

const CodeUnit* CodeUnits::find_unit(std::string_view module) {
  const auto [it, added] = units_.try_emplace(std::string(module));
  if (!added) return it->second.get();
  std::string path(module);
  std::replace(path.begin(), path.end(), '.', '/');
  path = "code/" + path + ".py";
  const std::optional<Bytes> source = reader_(path);
  if (!source) return nullptr;
  std::unique_ptr<CodeUnit> unit;
  try {
    unit = parse(path, std::string(source->text()), operations_);
  } catch (...) {
    units_.erase(it);  // so that the next look-up fails in the same way
    throw;
  }
  if (const std::optional<Bytes> debug = reader_(path + ".debug_pkl")) {
    unit->source_map = std::make_shared<const SourceMap>(debug->data);
  }
  it->second = std::move(unit);
  return it->second.get();
}

const CodeUnits::Entry& CodeUnits::find(std::string_view qualified) {
  std::string key(qualified);
  const std::lock_guard lock(mutex_);
  if (const auto found = names_.find(key); found != names_.end()) return found->second;
  Entry entry;
  if (const std::size_t dot = qualified.rfind('.'); dot != std::string_view::npos) {
    if (const CodeUnit* unit = find_unit(qualified.substr(0, dot))) {
      const std::string_view name = qualified.substr(dot + 1);
      entry.type = unit->find_class(name);
      if (const auto function = unit->functions.find(name); function != unit->functions.end()) {
        entry.function = function->second;
      }
    }
  }
  return names_.emplace(std::move(key), entry).first->second;
}

const ClassDef* CodeUnits::find_class(std::string_view qualified) { return find(qualified).type; }
const FunctionDef* CodeUnits::find_function(std::string_view qualified) { return find(qualified).function; }

}  // namespace wherry::import::torchscript
