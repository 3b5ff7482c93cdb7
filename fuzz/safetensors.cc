// Any bytes as a safetensors file: every tensor that is accepted lies within it.

#include "import/safetensors/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "attempt.h"

using namespace wherry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto copy = std::make_shared<std::vector<std::byte>>(size);
  for (std::size_t i = 0; i < size; ++i) (*copy)[i] = static_cast<std::byte>(data[i]);
  attempt([&] {
    const auto records = import::safetensors_records("fuzz.safetensors", {{copy->data(), size}, copy});
    for (const auto& [name, tensor] : import::read_safetensors(records).entries) tensor->get().to(DType::f64);
  });
  return 0;
}
