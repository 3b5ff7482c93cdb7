#pragma once
// A storage is the run of bytes that one or more tensors of a file look into. Here tensors are cut out of it, after
// their offset, sizes and strides have been held against its length.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "import/zip/zip_archive.h"
#include "tensor/lazy_tensor.h"

namespace wherry::import {

struct Storage {
  std::string name;            ///< unique within the model: "data/17"
  std::optional<DType> dtype;  ///< empty for an untyped storage
  std::int64_t size = 0;       ///< bytes
  /// The `size` bytes. May be set after tensors were cut (legacy streams hold the storages behind the pickle), but
  /// before the first of them is read.
  std::function<Bytes()> read;
  /// Gives pages of what read() returned back to the system; may be empty.
  std::function<void(std::span<const std::byte>)> release;
};
using StoragePtr = std::shared_ptr<const Storage>;

/// A tensor of `storage`: `offset` and `strides` count elements of `dtype`. Its bytes are borrowed where it is
/// row-major and aligned, else copied when asked for. Throws InvalidModel, beginning with `what`, where it does not
/// fit.
tensor::LazyTensorPtr cut_tensor(StoragePtr storage, DType dtype, std::int64_t offset, Dims sizes, Dims strides,
                                 std::string_view what);

/// The storage in record "<folder>/<key>" of an archive. Throws InvalidModel where it is missing or shorter than
/// `numel` elements.
StoragePtr storage_of_record(std::shared_ptr<const ZipArchive> archive, std::string_view folder, std::string_view key,
                             std::optional<DType> dtype, std::int64_t numel);

/// Throws InvalidModel where the `byteorder` record in `folder` of the archive says that its tensors are big-endian.
void check_byte_order(const ZipArchive& archive, const std::string& folder = {});

}  // namespace wherry::import
