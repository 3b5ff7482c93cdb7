#pragma once
// How the type rules are written: each is a function of one Call, listed by op name in its theme's table. Sizes in a
// model file are hostile until checked, so all arithmetic on them goes through the checked functions here.

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ir/ops.h"
#include "wherry/error.h"

namespace wherry::ir::infer {

using wherry::to_string;

/// Sizes up to here can be added and subtracted a few times without overflow.
inline constexpr std::int64_t kMaxSize = std::int64_t{1} << 61;
/// Kernels, strides, paddings: up to here products of two of them fit.
inline constexpr std::int64_t kMaxParameter = (std::int64_t{1} << 30) - 1;

/// One question: an op, the types of its inputs, its attributes. Access throws InvalidModel naming the op where
/// something is missing or of the wrong kind.
class Call {
 public:
  Call(std::string_view op, std::span<const TensorType* const> inputs, const Attributes& attributes)
      : op_(op), inputs_(inputs), attributes_(attributes) {}

  std::string_view op() const { return op_; }
  std::span<const TensorType* const> inputs() const { return inputs_; }
  std::size_t input_count() const { return inputs_.size(); }
  /// Null where absent.
  const TensorType* maybe(std::size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  const TensorType& tensor(std::size_t i) const;

  const Attributes& attributes() const { return attributes_; }
  const Attribute* find(std::string_view name) const;  ///< null where missing or None
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t integer(std::string_view name) const;
  std::int64_t integer_or(std::string_view name, std::int64_t fallback) const;
  bool flag(std::string_view name) const;
  bool flag_or(std::string_view name, bool fallback) const;
  double number(std::string_view name) const;
  double number_or(std::string_view name, double fallback) const;
  std::string_view text_or(std::string_view name, std::string_view fallback) const;
  DType dtype_or(std::string_view name, DType fallback) const;
  const Dims& integers(std::string_view name) const;
  /// A list that may be shortened to one number for all `count`. Each element within [low, kMaxParameter].
  Dims per_dimension(std::string_view name, std::size_t count, std::int64_t low) const;

  template <typename... Args>
  [[noreturn]] void invalid(fmt::format_string<Args...> format, Args&&... args) const {
    throw InvalidModel(fmt::format("{}: {}", op_, fmt::format(format, std::forward<Args>(args)...)));
  }
  template <typename... Args>
  [[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    throw Unsupported(fmt::format("{}: {}", op_, fmt::format(format, std::forward<Args>(args)...)));
  }

  std::int64_t add(std::int64_t a, std::int64_t b) const;       ///< InvalidModel where it overflows
  std::int64_t multiply(std::int64_t a, std::int64_t b) const;  ///< InvalidModel where it overflows
  std::int64_t count(const Dims& sizes) const;                  ///< product; InvalidModel where it overflows

  /// A dimension counted from either end; rank 0 counts as 1.
  std::int64_t dimension(std::int64_t dim, std::int64_t rank) const;
  std::int64_t dimension_of(std::string_view name, const TensorType& type, std::int64_t fallback) const;
  /// Attribute `name` as a set of distinct dimensions, ascending; None, absent or empty means all.
  Dims dimensions(std::string_view name, const TensorType& type) const;

  Dims broadcast(const Dims& a, const Dims& b) const;
  /// All present inputs together.
  Dims broadcast_inputs() const;

 private:
  std::string_view op_;
  std::span<const TensorType* const> inputs_;
  const Attributes& attributes_;
};

inline std::int64_t rank(const TensorType& type) { return static_cast<std::int64_t>(type.sizes.size()); }
inline TensorType plain(DType dtype, Dims sizes) { return {dtype, std::move(sizes), {}}; }
/// PyTorch's default for a floating result of integers.
inline DType to_floating(DType dtype) { return is_floating(dtype) ? dtype : DType::f32; }
inline DType to_counting(DType dtype) { return is_floating(dtype) ? dtype : DType::i64; }
DType dtype_of(const Attribute& scalar);  ///< bool, int64 or float32
/// Indices of the other dimensions are kept; those of `dims` vanish, or become 1 with `keepdim`.
Dims reduced(const Dims& sizes, const Dims& dims, bool keepdim);

/// Output length of a window sliding over `in` elements, as convolution and pooling count it; InvalidModel below 1
/// (below 0 when `in` is 0 is no exception).
std::int64_t window_count(const Call& call, std::int64_t in, std::int64_t before, std::int64_t after,
                          std::int64_t kernel, std::int64_t stride, std::int64_t dilation, bool ceil_mode = false);

using Rule = std::vector<TensorType> (*)(const Call&);
struct Entry {
  std::string_view op;
  Rule rule;
};

std::span<const Entry> convolution_rules();
std::span<const Entry> matmul_rules();
std::span<const Entry> normalisation_rules();
std::span<const Entry> elementwise_rules();
std::span<const Entry> pooling_rules();
std::span<const Entry> view_rules();
std::span<const Entry> split_rules();
std::span<const Entry> joining_rules();
std::span<const Entry> indexing_rules();
std::span<const Entry> creation_rules();
std::span<const Entry> reduction_rules();

}  // namespace wherry::ir::infer
