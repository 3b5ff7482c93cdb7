#include "import/state_dict/state_dict.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/check.h"
#include "import/pickle/storage.h"
#include "import/pickle/unpickler.h"
#include "import/printable.h"
#include "import/state_dict/entries.h"

namespace wherry::import {
namespace {

using base::fail;

bool holds_tensors(const Dict& dict) {
  return std::any_of(dict.items.begin(), dict.items.end(),
                     [](const auto& item) { return std::holds_alternative<tensor::LazyTensorPtr>(item.second); });
}

/// The dict that `outer` holds under one of the names people wrap a state dict in: one with tensors if there is one.
const Dict* find_wrapped(const Dict& outer) {
  constexpr std::array kWrappers = {"state_dict", "model_state_dict", "model",  "net",
                                    "network",    "model_ema",        "weights"};
  const Dict* found = nullptr;
  for (const char* wrapper : kWrappers) {
    const PythonValue* value = outer.find(wrapper);
    const auto* dict = value ? std::get_if<Dict*>(value) : nullptr;
    if (dict && (!found || (!holds_tensors(*found) && holds_tensors(**dict)))) found = *dict;
  }
  return found;
}

/// The dict of tensors in a checkpoint; null where there is none.
const Dict* find_tensors(const PythonValue& object) {
  const auto* outermost = std::get_if<Dict*>(&object);
  const Dict* dict = outermost ? *outermost : nullptr;
  // Two levels are common ({"model": {"state_dict": ...}}); the bound keeps a dict that contains itself from looping.
  constexpr int kMaxDepth = 4;
  for (int depth = 0; dict && depth < kMaxDepth; ++depth) {
    const Dict* inner = find_wrapped(*dict);
    if (!inner) return holds_tensors(*dict) ? dict : nullptr;
    dict = inner;
  }
  return nullptr;
}

/// Drops `prefix` from every name if every name has it.
bool strip_prefix(StateDict& weights, std::string_view prefix) {
  if (weights.entries.empty()) return false;
  for (const auto& [name, tensor] : weights.entries) {
    if (!name.starts_with(prefix) || name.size() == prefix.size()) return false;
  }
  for (auto& [name, tensor] : weights.entries) name.erase(0, prefix.size());
  return true;
}

}  // namespace

StateDict state_dict_of(const PythonValue& object, std::string path) {
  const Dict* dict = find_tensors(object);
  if (!dict) {
    std::string keys;
    if (const auto* outer = std::get_if<Dict*>(&object)) {
      constexpr std::size_t kShown = 8;
      for (std::size_t i = 0; i < std::min((*outer)->items.size(), kShown); ++i) {
        const auto* key = std::get_if<std::string>(&(*outer)->items[i].first);
        if (key) keys += fmt::format("{}'{}'", keys.empty() ? " with keys " : ", ", printable(*key, 40));
      }
    }
    fail<InvalidModel>(
        "{}: it holds a {}{} and no tensors by name; a state dict as model.state_dict() gives it is expected", path,
        printable(type_name(object)), keys);
  }
  StateDict weights;
  weights.path = std::move(path);
  std::unordered_set<std::string_view> seen;
  for (const auto& [key, value] : dict->items) {
    const auto* name = std::get_if<std::string>(&key);
    const auto* tensor = std::get_if<tensor::LazyTensorPtr>(&value);
    if (!name || !tensor) continue;
    if (!seen.insert(*name).second)
      fail<InvalidModel>("{}: the state dict has two entries named '{}'", weights.path, printable(*name));
    weights.entries.emplace_back(*name, *tensor);
  }
  // Training wrappers prefix every name: DataParallel "module.", torch.compile "_orig_mod.", in either order.
  while (strip_prefix(weights, "module.") || strip_prefix(weights, "_orig_mod.")) {
  }
  for (std::size_t i = 0; i < weights.entries.size(); ++i) weights.index.emplace(weights.entries[i].first, i);
  return weights;
}

tensor::LazyTensorPtr StateDict::find(const std::string& name) const {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : entries[found->second].second;
}

StateDict read_state_dict(std::shared_ptr<const ZipArchive> archive, const std::string& folder) {
  check_byte_order(*archive, folder);
  const Bytes pickle = archive->read(folder + "data.pkl");
  UnpickleContext context;
  context.what = fmt::format("{}: {}data.pkl", archive->path(), folder);
  context.storage = [&](const std::string& key, std::optional<DType> dtype, std::int64_t numel) {
    return storage_of_record(archive, folder + "data", key, dtype, numel);
  };
  Heap heap;
  StateDict weights = state_dict_of(unpickle(pickle.data, heap, context).value, archive->path());
  weights.records = std::move(archive);
  return weights;
}

}  // namespace wherry::import
