// Any bytes as a zip archive: every record is read, and read as the state dict or the arrays that it may be.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "attempt.h"
#include "import/npy/npy.h"
#include "import/state_dict/state_dict.h"
#include "import/zip/zip_archive.h"

using namespace wherry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto copy = std::make_shared<std::vector<std::byte>>(size);
  for (std::size_t i = 0; i < size; ++i) (*copy)[i] = static_cast<std::byte>(data[i]);
  const import::Bytes bytes{{copy->data(), size}, copy};

  attempt([&] {
    const auto archive = import::ZipArchive::open("fuzz.pt", bytes);
    for (const import::ZipRecord& record : archive->records()) attempt([&] { archive->read(record.name); });
    const import::StateDict weights = import::read_state_dict(archive);
    // A few bytes may stand for a large tensor (stride 0), which costs time and finds nothing.
    constexpr std::int64_t kMostElements = 1 << 16;
    for (const auto& [name, tensor] : weights.entries) {
      if (element_count(tensor->sizes()) <= kMostElements) tensor->get();
    }
  });
  attempt([&] { import::parse_npz(bytes, "fuzz.npz"); });
  attempt([&] { import::parse_npy(bytes, "fuzz.npy"); });
  return 0;
}
