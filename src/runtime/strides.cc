// Plain index arithmetic.

#include "runtime/strides.h"

#include "base/check.h"

namespace wherry::runtime {

bool same_strides(const Dims& sizes, const Dims& a, const Dims& b) {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > 1 && a[i] != b[i]) return false;
  }
  return true;
}

Dims broadcast_strides(const Dims& operand_sizes, const Dims& operand_strides, const Dims& sizes) {
  WHERRY_CHECK_LE(operand_sizes.size(), sizes.size());
  Dims strides(sizes.size(), 0);
  const std::size_t shift = sizes.size() - operand_sizes.size();
  for (std::size_t i = 0; i < operand_sizes.size(); ++i) {
    WHERRY_CHECK(operand_sizes[i] == sizes[i + shift] || operand_sizes[i] == 1);
    strides[i + shift] = operand_sizes[i] == 1 ? 0 : operand_strides[i];
  }
  return strides;
}

std::optional<std::int64_t> joint_stride(const Dims& sizes, const Dims& strides, std::size_t begin, std::size_t end) {
  std::optional<std::int64_t> innermost;
  std::int64_t next = 0;  // the stride that the next dimension outwards must have
  for (std::size_t i = end; i-- > begin;) {
    if (sizes[i] == 1) continue;
    if (!innermost) {
      innermost = strides[i];
    } else if (strides[i] != next) {
      return std::nullopt;
    }
    next = strides[i] * sizes[i];
  }
  return innermost.value_or(0);
}

Dims channels_last_strides(const Dims& sizes) {
  Dims strides(sizes.size(), 1);
  std::int64_t next = sizes[1];
  for (std::size_t i = sizes.size(); i-- > 2;) {
    strides[i] = next;
    next *= sizes[i];
  }
  strides[0] = next;
  return strides;
}

}  // namespace wherry::runtime
