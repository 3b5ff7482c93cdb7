// Any bytes as a compiled model. The checksums are put right first, or no mutation would get past them: what is wanted
// is that a directory that lies, or records that are no model, end in one of wherry's errors.

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "attempt.h"
#include "import/compiled/compiled_file.h"
#include "import/compiled/layout.h"
#include "import/model_source.h"
#include "wherry/tensor.h"

using namespace wherry;

namespace {

using import::CompiledFile;
namespace layout = import::compiled;

template <typename T>
void put(std::span<std::byte> bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

void seal(std::span<std::byte> bytes) {
  if (bytes.size() < CompiledFile::kHeaderBytes) return;
  std::memcpy(bytes.data(), layout::kMagic.data(), layout::kMagic.size());
  put(bytes, layout::kVersionAt, CompiledFile::kFormatVersion);
  put(bytes, layout::kFileSizeAt, static_cast<std::uint64_t>(bytes.size()));
  std::uint64_t directory = 0;
  std::memcpy(&directory, bytes.data() + layout::kDirectorySizeAt, sizeof(directory));
  if (directory <= bytes.size() - CompiledFile::kHeaderBytes)
    put(bytes, layout::kDirectoryCrcAt, layout::crc_of(bytes.subspan(CompiledFile::kHeaderBytes, directory)));
  put(bytes, layout::kHeaderCrcAt, layout::crc_of(bytes.first(layout::kHeaderCrcAt)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto owner = std::make_shared<Tensor>(Tensor::empty(DType::u8, {static_cast<std::int64_t>(size)}));
  const std::span<std::byte> bytes(static_cast<std::byte*>(owner->mutable_data()), size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  attempt([&] { CompiledFile::open("fuzz.wherry", {bytes, owner})->verify(); });
  seal(bytes);
  attempt([&] {
    const auto file = CompiledFile::open("fuzz.wherry", {bytes, owner});
    attempt([&] { file->verify(); });
    const auto source = import::make_compiled_source(file, {});
    source->describe();
    constexpr std::int64_t kMostElements = 1 << 12;
    std::vector<ir::TensorType> inputs(source->describe().inputs.size(), {DType::f32, {1, 3, 8, 8}, {}});
    for (const auto& set : file->about().shapes) {
      bool small = true;
      for (const ir::TensorType& type : set) small = small && type.sizes.size() < 8 && type.numel() <= kMostElements;
      if (small) inputs = set;
    }
    source->graph(inputs);
  });
  return 0;
}
