#pragma once
// Reads pickles without running them: a small machine over a fixed list of globals, everything else refused by name.
// It has no recursion and a fixed budget of memory, so what a hostile file can reach is an InvalidModel.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "import/pickle/storage.h"
#include "import/python_value.h"

namespace wherry::import {

/// What the surroundings of a pickle know.
struct UnpickleContext {
  /// For messages: "resnet50.pt: data.pkl".
  std::string what;

  /// The storage a persistent id names: ('storage', torch.FloatStorage, key, location, numel). `dtype` is empty for an
  /// untyped storage, whose numel counts bytes. Empty function: tensors are refused. Throws InvalidModel where the file
  /// has no such storage or a smaller one.
  std::function<StoragePtr(const std::string& key, std::optional<DType> dtype, std::int64_t numel)> storage;

  /// Whether a class outside the fixed list ("__torch__.torchvision.models.resnet", "ResNet") may be made: it becomes
  /// an Instance with class_name "module.name". Empty function: none may.
  std::function<bool(std::string_view module, std::string_view name)> accepts_class;
};

struct Unpickled {
  PythonValue value;
  std::size_t consumed = 0;  ///< bytes up to and including STOP
};

/// Reads one pickle from the front of `bytes` (protocols 2 to 5). Containers are owned by `heap`.
///
/// - An Instance's attributes are set from its BUILD state where that is a dict with text keys; any other state stands
///   as the attribute "__state__" (a class with __setstate__ unpacks it).
/// - Sets and frozensets become a List, bytes a string, torch.Size a Tuple, OrderedDict a Dict, torch.device a Device,
///   torch.float32 and its kin a DType.
/// - A tensor becomes a LazyTensorPtr with the key "<storage>+<offset> <dtype> <sizes> <strides>"; equal keys within
/// one
///   call give the same pointer. Offset, sizes and strides have been checked against the storage.
///
/// Throws InvalidModel with the position of what was refused.
Unpickled unpickle(std::span<const std::byte> bytes, Heap& heap, const UnpickleContext& context);

}  // namespace wherry::import
