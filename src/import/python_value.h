#pragma once
// The values of the small Python that model files are written in: what an unpickler builds and what the TorchScript
// interpreter computes with. Containers are owned by a Heap and referred to by plain pointers, so a hostile pickle that
// makes a list contain itself leaks nothing and never recurses in a destructor.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tensor/lazy_tensor.h"

namespace wherry::import {

struct List;
struct Tuple;
struct Dict;
struct Instance;
/// A tensor the interpreter is tracing; defined there. Unpicklers never make one.
struct TracedTensor;
/// A function or method bound to its object; defined by the interpreter.
struct Callable;

struct None {
  bool operator==(const None&) const = default;
};

/// A torch.device; wherry only ever sees it passed around.
struct Device {
  std::string name;
};

/// A class or function named by a pickle's GLOBAL and not called yet: "torch._utils", "_rebuild_tensor_v2".
struct Global {
  std::string module;
  std::string name;
};

using PythonValue = std::variant<None, bool, std::int64_t, double, std::string, List*, Tuple*, Dict*, Instance*,
                                 tensor::LazyTensorPtr, TracedTensor*, Callable*, Device, DType, Global>;

struct List {
  std::vector<PythonValue> items;
};
struct Tuple {
  std::vector<PythonValue> items;
  std::vector<std::string> names;  ///< of a NamedTuple, else empty
};
struct Dict {
  std::vector<std::pair<PythonValue, PythonValue>> items;  ///< in insertion order
  const PythonValue* find(std::string_view key) const;
};
/// An object: its class by qualified name ("__torch__.torchvision.models.resnet.ResNet") and its attributes in order.
struct Instance {
  std::string class_name;
  std::vector<std::pair<std::string, PythonValue>> attributes;
  const PythonValue* find(std::string_view name) const;
};

/// Owns every container of one import.
class Heap {
 public:
  Heap();
  Heap(Heap&&) noexcept;
  Heap& operator=(Heap&&) noexcept;
  ~Heap();

  List* new_list(std::vector<PythonValue> items = {});
  Tuple* new_tuple(std::vector<PythonValue> items = {});
  Dict* new_dict();
  Instance* new_instance(std::string class_name);

 private:
  struct Storage;
  std::unique_ptr<Storage> storage_;
};

/// "int", "list", "tensor", or the class name: for error messages.
std::string type_name(const PythonValue& value);

}  // namespace wherry::import
