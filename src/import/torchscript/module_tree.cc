#include "import/torchscript/module_tree.h"

#include <unordered_set>

namespace wherry::import::torchscript {
namespace {

/// Copies containers when they are first met and remembers them, so that sharing and cycles stay as they were.
class Copier {
 public:
  explicit Copier(Heap& heap) : heap_(heap) {}

  PythonValue copy(const PythonValue& value) {
    if (const auto* list = std::get_if<List*>(&value)) {
      return copied(*list, [&] { return heap_.new_list((*list)->items); }, lists_);
    }
    if (const auto* tuple = std::get_if<Tuple*>(&value)) {
      return copied(
          *tuple,
          [&] {
            Tuple* made = heap_.new_tuple((*tuple)->items);
            made->names = (*tuple)->names;
            return made;
          },
          tuples_);
    }
    if (const auto* dict = std::get_if<Dict*>(&value)) {
      return copied(
          *dict,
          [&] {
            Dict* made = heap_.new_dict();
            made->items = (*dict)->items;
            return made;
          },
          dicts_);
    }
    if (const auto* instance = std::get_if<Instance*>(&value))
      return copied(
          *instance,
          [&] {
            Instance* made = heap_.new_instance((*instance)->class_name);
            made->attributes = (*instance)->attributes;
            return made;
          },
          instances_);
    return value;
  }

  /// Copies what the copies still share with their originals, until nothing is left.
  void finish() {
    while (!lists_.empty() || !tuples_.empty() || !dicts_.empty() || !instances_.empty()) {
      for (List* list : std::exchange(lists_, {})) replace(list->items);
      for (Tuple* tuple : std::exchange(tuples_, {})) replace(tuple->items);
      for (Dict* dict : std::exchange(dicts_, {})) {
        for (auto& [key, item] : dict->items) {
          key = copy(key);
          item = copy(item);
        }
      }
      for (Instance* instance : std::exchange(instances_, {})) {
        for (auto& [name, attribute] : instance->attributes) {
          if (!std::holds_alternative<tensor::LazyTensorPtr>(attribute)) attribute = copy(attribute);
          if (name == "training" && std::holds_alternative<bool>(attribute)) attribute = false;
        }
      }
    }
  }

 private:
  template <typename T, typename Make>
  PythonValue copied(T* original, Make make, std::vector<T*>& pending) {
    void*& known = known_[original];
    if (known == nullptr) {
      T* made = make();
      known = made;
      pending.push_back(made);
    }
    return static_cast<T*>(known);
  }
  void replace(std::vector<PythonValue>& items) {
    for (PythonValue& item : items) item = copy(item);
  }

  Heap& heap_;
  std::unordered_map<const void*, void*> known_;
  std::vector<List*> lists_;
  std::vector<Tuple*> tuples_;
  std::vector<Dict*> dicts_;
  std::vector<Instance*> instances_;
};

}  // namespace

ModuleTree::ModuleTree(Heap heap, Instance* root) : heap_(std::move(heap)), root_(root) {
  struct Pending {
    PythonValue value;
    std::string path;
  };
  std::unordered_set<const void*> known;
  std::vector<Pending> pending;
  const auto visit = [&](const PythonValue& value, const std::string& path) {
    if (const auto* instance = std::get_if<Instance*>(&value)) {
      if (!known.insert(*instance).second) return;
      instances_.emplace_back(*instance, path);
    } else if (const auto* list = std::get_if<List*>(&value)) {
      if (!known.insert(*list).second) return;
    } else if (const auto* tuple = std::get_if<Tuple*>(&value)) {
      if (!known.insert(*tuple).second) return;
    } else if (const auto* dict = std::get_if<Dict*>(&value)) {
      if (!known.insert(*dict).second) return;
    } else {
      return;
    }
    pending.push_back({value, path});
  };
  visit(root, "");
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const Pending current = pending[i];
    const std::string prefix = current.path.empty() ? "" : current.path + ".";
    if (const auto* instance = std::get_if<Instance*>(&current.value)) {
      for (const auto& [name, value] : (*instance)->attributes) visit(value, prefix + name);
    } else if (const auto* dict = std::get_if<Dict*>(&current.value)) {
      for (const auto& [key, value] : (*dict)->items) {
        const auto* name = std::get_if<std::string>(&key);
        visit(value, name != nullptr ? prefix + *name : current.path);
      }
    } else {
      const auto& items = std::holds_alternative<List*>(current.value) ? std::get<List*>(current.value)->items
                                                                       : std::get<Tuple*>(current.value)->items;
      for (const PythonValue& item : items) visit(item, current.path);
    }
  }
}

ModuleTree::Copy ModuleTree::copy(Heap& heap) const {
  Copier copier(heap);
  Copy copy;
  copy.root = std::get<Instance*>(copier.copy(root_));
  copier.finish();
  copy.paths.reserve(instances_.size());
  for (const auto& [original, path] : instances_) {
    auto* instance = std::get<Instance*>(copier.copy(const_cast<Instance*>(original)));
    copy.instances.push_back(instance);
    copy.paths.emplace(instance, &path);
  }
  return copy;
}

}  // namespace wherry::import::torchscript
