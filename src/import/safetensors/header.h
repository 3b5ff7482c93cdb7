#pragma once
// The header of a safetensors file: 8 bytes of length, that many of JSON, then the tensors' bytes without a gap.
// https://github.com/huggingface/safetensors, "Format"; what it forbids is refused here.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wherry/tensor.h"

namespace wherry::import {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::f32;
  Dims sizes;
  std::int64_t begin = 0;  ///< bytes from the end of the header
  std::int64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of their bytes, which leave no gap
  std::int64_t data_offset = 0;           ///< of the first tensor's byte in the file
};

/// Reads the header of the whole file `bytes` and holds every number in it against the file's length. Throws
/// InvalidModel, or Unsupported for an element type that wherry does not have; both name `path`.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, const std::string& path);

/// "F32", "BF16", "I64", …
std::string_view safetensors_name_of(DType dtype);
/// The inverse. Throws Unsupported for a type the format has and wherry has not, InvalidModel for any other word; the
/// message begins with `what`.
DType safetensors_dtype(std::string_view name, std::string_view what);

/// Bytes of a tensor of these sizes. Throws InvalidModel, beginning with `what`, where they overflow.
std::int64_t safetensors_bytes(const Dims& sizes, DType dtype, std::string_view what);

}  // namespace wherry::import
