#include "import/npy/npy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/mapped_file.h"
#include "import/npy/header.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

constexpr std::string_view kMagic = "\x93NUMPY";
/// The header with its preamble ends on a multiple of this, so that the array can be mapped.
constexpr std::size_t kAlignment = 64;

struct ElementType {
  std::string_view code;  ///< kind and bytes, as in dtype.str without the byte order
  DType dtype;
};

constexpr std::array kElementTypes = {
    ElementType{"f4", DType::f32}, ElementType{"f8", DType::f64}, ElementType{"f2", DType::f16},
    ElementType{"i8", DType::i64}, ElementType{"i4", DType::i32}, ElementType{"i2", DType::i16},
    ElementType{"i1", DType::i8},  ElementType{"u1", DType::u8},  ElementType{"b1", DType::boolean},
};

void swap_bytes(Tensor& tensor) {
  const std::size_t width = size_of(tensor.dtype());
  auto* bytes = static_cast<unsigned char*>(tensor.mutable_data());
  for (std::size_t i = 0; i < tensor.bytes(); i += width) std::reverse(bytes + i, bytes + i + width);
}

Dims fortran_strides(const Dims& sizes) {
  Dims strides(sizes.size());
  std::int64_t stride = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    strides[i] = stride;
    stride *= std::max<std::int64_t>(sizes[i], 1);
  }
  return strides;
}

/// Elements of `sizes`; empty dimensions count as one, so that no product of strides can overflow either.
std::int64_t checked_count(const Dims& sizes, const std::string& what) {
  std::int64_t count = 1;
  bool empty = false;
  for (const std::int64_t size : sizes) {
    const auto product = size < 0 ? std::nullopt : base::checked_mul(count, std::max<std::int64_t>(size, 1));
    if (!product) fail<InvalidInput>("{}: a NumPy array of impossible shape {}", what, to_string(sizes));
    count = *product;
    empty |= size == 0;
  }
  return empty ? 0 : count;
}

}  // namespace

Tensor read_npy(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  return parse_npy({file->bytes(), file}, path);
}

Tensor parse_npy(const Bytes& bytes, const std::string& what) {
  const std::string_view text = bytes.text();
  constexpr std::size_t kVersionEnd = 8;
  if (text.size() < kVersionEnd + 2 || !text.starts_with(kMagic))
    fail<InvalidInput>("{}: not a NumPy array: it does not begin with \\x93NUMPY", what);
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) fail<InvalidInput>("{}: .npy version {}; 1 to 3 can be read", what, version);
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::uint32_t header_length = 0;
  if (text.size() < kVersionEnd + length_bytes) fail<InvalidInput>("{}: the .npy header is truncated", what);
  std::memcpy(&header_length, text.data() + kVersionEnd, length_bytes);
  const std::size_t header_begin = kVersionEnd + length_bytes;
  if (header_length > text.size() - header_begin) fail<InvalidInput>("{}: the .npy header is truncated", what);
  const NpyHeader header = parse_npy_header(text.substr(header_begin, header_length), what);

  const std::string_view descr = header.descr;
  const char order = descr.empty() ? '?' : descr[0];
  const std::string_view code = descr.substr(descr.empty() ? 0 : 1);
  const auto* type =
      std::find_if(kElementTypes.begin(), kElementTypes.end(), [&](const ElementType& t) { return code == t.code; });
  if ((order != '<' && order != '>' && order != '|' && order != '=') || type == kElementTypes.end())
    fail<InvalidInput>("{}: NumPy type '{}'; bool, int8 to int64, uint8 and float16 to float64 can be read", what,
                       printable(header.descr));

  const std::int64_t count = checked_count(header.shape, what);
  const auto wanted = base::checked_mul(count, static_cast<std::int64_t>(size_of(type->dtype)));
  const std::span<const std::byte> data = bytes.data.subspan(header_begin + header_length);
  if (!wanted || *wanted > static_cast<std::int64_t>(data.size()))
    fail<InvalidInput>("{}: an array of {}{} needs more than the {} bytes that are there; the file is truncated", what,
                       name_of(type->dtype), to_string(header.shape), data.size());

  const bool aligned = reinterpret_cast<std::uintptr_t>(data.data()) % size_of(type->dtype) == 0;
  Tensor tensor;
  if (aligned || count == 0) {
    const Dims strides = header.fortran_order ? fortran_strides(header.shape) : contiguous_strides(header.shape);
    tensor = Tensor::borrow(type->dtype, header.shape, strides, data.data(), bytes.owner).contiguous();
  } else {
    // Never seen from NumPy, which pads its headers; the copy makes the rest safe.
    auto copy = std::make_shared<std::vector<std::byte>>(data.begin(), data.begin() + *wanted);
    const Dims strides = header.fortran_order ? fortran_strides(header.shape) : contiguous_strides(header.shape);
    tensor = Tensor::borrow(type->dtype, header.shape, strides, copy->data(), copy).contiguous();
  }
  if (type->dtype == DType::boolean) {
    const auto values = std::as_const(tensor).values<std::uint8_t>();
    if (std::any_of(values.begin(), values.end(), [](std::uint8_t v) { return v > 1; }))
      fail<InvalidInput>("{}: a bool array holds bytes other than 0 and 1", what);
  }
  if (order == '>' && size_of(type->dtype) > 1 && count > 0) {
    Tensor swapped = Tensor::empty(type->dtype, tensor.sizes());
    std::memcpy(swapped.mutable_data(), tensor.data(), tensor.bytes());
    swap_bytes(swapped);
    return swapped;
  }
  return tensor;
}

std::vector<std::byte> format_npy(const Tensor& tensor) {
  const Tensor flat = (tensor.dtype() == DType::bf16 ? tensor.to(DType::f32) : tensor).contiguous();
  const auto* type = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                  [&](const ElementType& t) { return t.dtype == flat.dtype(); });
  WHERRY_CHECK(type != kElementTypes.end());
  const char order = size_of(flat.dtype()) == 1 ? '|' : '<';
  std::string shape = fmt::format("({}{})", fmt::join(flat.sizes(), ", "), flat.dim() == 1 ? "," : "");
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}", order, type->code, shape);
  std::size_t preamble = kMagic.size() + 2 + 2;
  const bool wide = preamble + header.size() + kAlignment > UINT16_MAX;
  if (wide) preamble += 2;
  header.append(kAlignment - (preamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';

  std::string out(kMagic);
  out += wide ? '\x02' : '\x01';
  out += '\0';
  const auto length = static_cast<std::uint32_t>(header.size());
  out.append(reinterpret_cast<const char*>(&length), wide ? 4 : 2);  // little-endian, as wherry's machines are
  out += header;
  std::vector<std::byte> bytes(out.size() + flat.bytes());
  std::memcpy(bytes.data(), out.data(), out.size());
  if (flat.bytes() > 0) std::memcpy(bytes.data() + out.size(), flat.data(), flat.bytes());
  return bytes;
}

void write_npy(const std::string& path, const Tensor& tensor) {
  const std::vector<std::byte> bytes = format_npy(tensor);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail<InvalidInput>("{}: cannot be written", path);
}

}  // namespace wherry::import
