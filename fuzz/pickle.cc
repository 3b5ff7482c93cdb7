// Any bytes as a pickle, with storages and classes for whoever asks, and as a legacy torch.save stream.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "attempt.h"
#include "import/pickle/unpickler.h"
#include "import/state_dict/state_dict.h"

using namespace wherry;

namespace {

constexpr std::int64_t kStorageBytes = 256;
// A few bytes may stand for a large tensor (stride 0), which costs time and finds nothing.
constexpr std::int64_t kMostElements = 1 << 16;

void touch(const tensor::LazyTensorPtr& tensor) {
  if (element_count(tensor->sizes()) <= kMostElements) tensor->get();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto copy = std::make_shared<std::vector<std::byte>>(size);
  for (std::size_t i = 0; i < size; ++i) (*copy)[i] = static_cast<std::byte>(data[i]);
  const import::Bytes bytes{{copy->data(), size}, copy};

  const auto contents = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(kStorageBytes));
  import::UnpickleContext context;
  context.what = "fuzz";
  context.storage = [&](const std::string& key, std::optional<DType> dtype, std::int64_t) -> import::StoragePtr {
    auto storage = std::make_shared<import::Storage>();
    storage->name = key;
    storage->dtype = dtype;
    storage->size = kStorageBytes;
    storage->read = [contents] { return import::Bytes{{contents->data(), contents->size()}, contents}; };
    return storage;
  };
  context.accepts_class = [](std::string_view module, std::string_view) { return module.starts_with("__torch__"); };

  attempt([&] {
    import::Heap heap;
    const import::PythonValue value = import::unpickle(bytes.data, heap, context).value;
    import::type_name(value);
    if (const auto* dict = std::get_if<import::Dict*>(&value)) {
      for (const auto& [key, item] : (*dict)->items) {
        if (const auto* tensor = std::get_if<tensor::LazyTensorPtr>(&item)) touch(*tensor);
      }
    }
  });
  attempt([&] {
    for (const auto& [name, tensor] : import::read_legacy_state_dict("fuzz.pth", bytes).entries) touch(tensor);
  });
  return 0;
}
