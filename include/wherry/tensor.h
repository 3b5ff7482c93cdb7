#pragma once
// A dense array: dtype, sizes, strides and shared bytes. Copies are cheap and share the bytes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wherry/dtype.h"

namespace wherry {

/// Sizes, strides, or any other list of one number per dimension. Strides count elements, not bytes.
using Dims = std::vector<std::int64_t>;

/// Number of elements; throws InvalidInput if the product overflows or a size is negative.
std::int64_t element_count(const Dims& sizes);

/// Row-major strides of `sizes`.
Dims contiguous_strides(const Dims& sizes);

/// "[1, 3, 224, 224]"
std::string to_string(const Dims& dims);

class Tensor {
 public:
  Tensor() = default;

  /// Uninitialised, row-major, 64-byte aligned. Throws InvalidInput where the size overflows.
  static Tensor empty(DType dtype, Dims sizes);
  /// All bytes zero, row-major, 64-byte aligned.
  static Tensor zeros(DType dtype, Dims sizes);
  /// Bytes that belong to someone else, kept alive by `owner` (may be null: then the caller keeps them).
  /// `strides` empty means row-major. Read-only unless the caller's bytes are writable.
  static Tensor borrow(DType dtype, Dims sizes, Dims strides, const void* data, std::shared_ptr<const void> owner);
  /// Row-major copy of `values`. T is float, double, std::int64_t, std::int32_t, std::uint8_t or bool's stand-in
  /// std::uint8_t with an explicit dtype via `empty`.
  template <typename T>
  static Tensor of(Dims sizes, std::span<const T> values);

  bool defined() const { return data_ != nullptr || !sizes_.empty() || owner_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Dims& sizes() const { return sizes_; }
  const Dims& strides() const { return strides_; }
  std::int64_t dim() const { return static_cast<std::int64_t>(sizes_.size()); }
  std::int64_t numel() const { return element_count(sizes_); }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * size_of(dtype_); }

  const void* data() const { return data_; }
  void* mutable_data() { return const_cast<void*>(data_); }

  bool is_contiguous() const;
  /// This tensor if it is row-major already, else a row-major copy.
  Tensor contiguous() const;
  /// The same bytes under other sizes and strides, `offset` elements further on. No bounds check beyond debug.
  Tensor view(Dims sizes, Dims strides, std::int64_t offset) const;
  /// Row-major copy in another dtype. Floating to integer truncates, as PyTorch does; bf16 and f16 round to nearest
  /// even.
  Tensor to(DType dtype) const;

  /// The elements in order. Throws InvalidInput where T does not match the dtype or the tensor is not row-major.
  template <typename T>
  std::span<const T> values() const;
  template <typename T>
  std::span<T> mutable_values();

 private:
  DType dtype_ = DType::f32;
  Dims sizes_;
  Dims strides_;
  const void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

}  // namespace wherry
