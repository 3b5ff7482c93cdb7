#include "import/pickle/storage.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

/// Elements the tensor reaches past its offset: one more than the largest index, 0 where it is empty, nothing on
/// overflow.
std::optional<std::int64_t> extent(const Dims& sizes, const Dims& strides) {
  std::optional<std::int64_t> last = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
  }
  for (std::size_t i = 0; i < sizes.size() && last; ++i) {
    const auto reach = base::checked_mul(sizes[i] - 1, strides[i]);
    last = reach ? base::checked_add(*last, *reach) : std::nullopt;
  }
  return last ? base::checked_add(*last, 1) : std::nullopt;
}

}  // namespace

tensor::LazyTensorPtr cut_tensor(StoragePtr storage, DType dtype, std::int64_t offset, Dims sizes, Dims strides,
                                 std::string_view what) {
  constexpr std::size_t kMaxDims = 64;
  if (sizes.size() != strides.size() || sizes.size() > kMaxDims)
    fail<InvalidModel>(
        "{}: a tensor has {} sizes and {} strides; as many of one as of the other are expected, at most {}", what,
        sizes.size(), strides.size(), kMaxDims);
  bool negative = offset < 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) negative |= sizes[i] < 0 || strides[i] < 0;
  const auto width = static_cast<std::int64_t>(size_of(dtype));
  std::optional<std::int64_t> end;  // in bytes
  if (!negative) {
    if (const auto reach = extent(sizes, strides)) {
      if (const auto last = base::checked_add(offset, *reach)) end = base::checked_mul(*last, width);
    }
  }
  if (!end || *end > storage->size)
    fail<InvalidModel>("{}: a {} tensor of sizes {}, strides {}, offset {} does not fit its storage '{}' of {} bytes",
                       what, name_of(dtype), to_string(sizes), to_string(strides), offset, printable(storage->name),
                       storage->size);
  // A stride of 0 lets a few bytes stand for any number of elements, which a copy would then have to hold.
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) {
    // Empty dimensions count as one: row-major strides are computed that way.
    const auto product = base::checked_mul(count, std::max<std::int64_t>(size, 1));
    if (!product) fail<InvalidModel>("{}: a tensor of sizes {} has too many elements", what, to_string(sizes));
    count = *product;
  }
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) count = 0;
  constexpr std::int64_t kMaxExpandedBytes = std::int64_t{1} << 30;
  const auto bytes = base::checked_mul(count, width);
  if (!bytes || (*bytes > storage->size && *bytes > kMaxExpandedBytes))
    fail<InvalidModel>("{}: a tensor of sizes {} repeats its storage '{}' of {} bytes to more than {} bytes", what,
                       to_string(sizes), printable(storage->name), storage->size, kMaxExpandedBytes);

  // The key leaves no room for two contents: contiguous strides and explicit ones that mean the same may differ in
  // spelling, which only costs a shared packing.
  auto key = fmt::format("{}+{} {} {} {}", storage->name, offset, name_of(dtype), to_string(sizes), to_string(strides));
  const std::size_t begin = static_cast<std::size_t>(offset * (count > 0 ? width : 0));
  const std::size_t length = count > 0 ? static_cast<std::size_t>(*end) - begin : 0;
  auto make = [storage, dtype, sizes, strides, begin, length] {
    const Bytes all = storage->read();
    WHERRY_CHECK(begin <= all.data.size() && length <= all.data.size() - begin);
    const std::byte* data = all.data.data() + begin;
    Tensor tensor = Tensor::borrow(dtype, sizes, strides, data, all.owner);
    const bool aligned = reinterpret_cast<std::uintptr_t>(data) % size_of(dtype) == 0;
    if (aligned || tensor.numel() == 0 || !tensor.is_contiguous()) return tensor.contiguous();
    Tensor copy = Tensor::empty(dtype, sizes);
    std::memcpy(copy.mutable_data(), data, copy.bytes());
    return copy;
  };
  std::function<void()> release;
  if (length > 0)
    release = [storage, begin, length] {  // a legacy stream learns only after its tensors where their storages lie
      if (storage->release) storage->release(storage->read().data.subspan(begin, length));
    };
  return std::make_shared<tensor::LazyTensor>(std::move(key), dtype, std::move(sizes), std::move(make),
                                              std::move(release));
}

StoragePtr storage_of_record(std::shared_ptr<const ZipArchive> archive, std::string_view folder, std::string_view key,
                             std::optional<DType> dtype, std::int64_t numel) {
  auto storage = std::make_shared<Storage>();
  storage->name = fmt::format("{}/{}", folder, key);
  storage->dtype = dtype;
  const ZipRecord* record = archive->find(storage->name);
  if (!record)
    fail<InvalidModel>("{}: the tensor storage '{}' is missing from the archive", archive->path(),
                       printable(storage->name));
  const auto bytes = base::checked_mul(numel, dtype ? static_cast<std::int64_t>(size_of(*dtype)) : 1);
  if (numel < 0 || !bytes || *bytes > record->size)
    fail<InvalidModel>("{}: the tensor storage '{}' has {} bytes, but {} elements of {} are claimed", archive->path(),
                       printable(storage->name), record->size, numel, dtype ? name_of(*dtype) : "one byte");
  storage->size = *bytes;
  storage->read = [archive, record] { return archive->contents(*record); };
  // Inflated records are owned by the tensor; there is nothing of them to give back.
  if (!record->compressed) storage->release = [archive](std::span<const std::byte> part) { archive->release(part); };
  return storage;
}

void check_byte_order(const ZipArchive& archive, const std::string& folder) {
  constexpr std::int64_t kLongest = 64;
  const std::string name = folder + "byteorder";
  if (!archive.find(name)) return;                    // from before the record existed, when all were little-endian
  const Bytes record = archive.read(name, kLongest);  // owns the text where the record is compressed
  const std::string_view order = record.text();
  if (order != "little")
    fail<InvalidModel>("{}: its tensors are in '{}' byte order; little-endian files can be read", archive.path(),
                       printable(order));
}

}  // namespace wherry::import
