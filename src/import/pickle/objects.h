#pragma once
// The meaning of a pickle's globals: what each of the few allowed ones makes when the pickle calls it. The machine in
// unpickler.cc only moves values about; whatever could be asked of the outside world is decided here.

#include <string>
#include <string_view>
#include <unordered_map>

#include "import/pickle/memory_budget.h"
#include "import/pickle/unpickler.h"

namespace wherry::import {

class ObjectBuilder {
 public:
  ObjectBuilder(Heap& heap, const UnpickleContext& context, MemoryBudget& budget)
      : heap_(heap), context_(context), budget_(budget) {}

  /// GLOBAL: a DType, or a Global that may be called. Throws InvalidModel naming anything not on the list.
  PythonValue global(std::string_view module, std::string_view name) const;

  /// BINPERSID: ('storage', type, key, location, numel[, view]) as an Instance that stands for the storage.
  PythonValue persistent(const PythonValue& id);

  /// REDUCE: `callable(*arguments)`.
  PythonValue call(const PythonValue& callable, const PythonValue& arguments);

  /// NEWOBJ: `type.__new__(type, *arguments)`.
  PythonValue instance(const PythonValue& type, const PythonValue& arguments);

  /// BUILD: hands `state` to `object`.
  void set_state(const PythonValue& object, const PythonValue& state);

 private:
  /// A piece of a storage, `offset` elements into it.
  struct StorageView {
    StoragePtr storage;
    std::int64_t offset = 0;
  };

  PythonValue tensor(const std::vector<PythonValue>& arguments, std::string_view function, bool typed_by_argument);
  PythonValue ordered_dict(const std::vector<PythonValue>& arguments);
  PythonValue device(const std::vector<PythonValue>& arguments) const;
  const std::vector<PythonValue>& items_of(const PythonValue& value, std::string_view expected) const;
  std::int64_t integer(const PythonValue& value, std::string_view expected) const;
  /// A copy of a container's items, counted.
  std::vector<PythonValue> copy_of(const std::vector<PythonValue>& items) const;
  Dims dims(const PythonValue& value, std::string_view expected) const;
  [[noreturn]] void refuse(std::string_view finding) const;

  Heap& heap_;
  const UnpickleContext& context_;
  MemoryBudget& budget_;
  std::unordered_map<const Instance*, StorageView> storages_;
  std::unordered_map<std::string, tensor::LazyTensorPtr> tensors_;  ///< by key
};

}  // namespace wherry::import
