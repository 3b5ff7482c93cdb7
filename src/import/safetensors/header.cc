#include "import/safetensors/header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "base/check.h"
#include "base/checked_math.h"
#include "import/json/json_object.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

/// The reference implementation's bound (100 MB), so that a length is no reason to read a whole file as text.
constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr std::size_t kLengthBytes = 8;

struct NamedType {
  std::string_view name;
  DType dtype;
};

constexpr std::array kTypes = {
    NamedType{"F32", DType::f32},      NamedType{"F64", DType::f64}, NamedType{"F16", DType::f16},
    NamedType{"BF16", DType::bf16},    NamedType{"I64", DType::i64}, NamedType{"I32", DType::i32},
    NamedType{"I16", DType::i16},      NamedType{"I8", DType::i8},   NamedType{"U8", DType::u8},
    NamedType{"BOOL", DType::boolean},
};

constexpr std::array<std::string_view, 10> kForeignTypes = {"U16",     "U32",     "U64",     "C64",     "F8_E5M2",
                                                            "F8_E4M3", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"};

SafetensorsEntry read_entry(const std::string& name, const JsonObject& fields, std::int64_t data_bytes) {
  const std::string& what = fields.what();
  SafetensorsEntry entry;
  entry.name = name;
  const auto dtype = fields.text("dtype");
  const auto sizes = fields.integers("shape");
  const auto offsets = fields.integers("data_offsets");
  if (!dtype || !sizes || !offsets || offsets->size() != 2)
    fail<InvalidModel>("{}: found dtype {}, shape {}, data_offsets {}; a name, a list and two numbers are expected",
                       what, fields.found("dtype"), fields.found("shape"), fields.found("data_offsets"));
  entry.dtype = safetensors_dtype(*dtype, what);
  entry.sizes = *sizes;
  entry.begin = (*offsets)[0];
  entry.end = (*offsets)[1];
  if (entry.begin > entry.end || entry.end > data_bytes)
    fail<InvalidModel>("{}: found bytes {} to {}; the file has {} bytes of tensors", what, entry.begin, entry.end,
                       data_bytes);
  const std::int64_t bytes = safetensors_bytes(entry.sizes, entry.dtype, what);
  if (bytes != entry.end - entry.begin)
    fail<InvalidModel>("{}: found {} bytes for {}{}, which has {}", what, entry.end - entry.begin, name_of(entry.dtype),
                       to_string(entry.sizes), bytes);
  return entry;
}

}  // namespace

std::string_view safetensors_name_of(DType dtype) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& type) { return type.dtype == dtype; });
  WHERRY_CHECK(found != kTypes.end());
  return found->name;
}

DType safetensors_dtype(std::string_view name, std::string_view what) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& type) { return type.name == name; });
  if (found != kTypes.end()) return found->dtype;
  constexpr std::string_view kAccepted = "F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL are read";
  if (std::find(kForeignTypes.begin(), kForeignTypes.end(), name) != kForeignTypes.end())
    fail<Unsupported>("{}: found elements of type {}; {}", what, name, kAccepted);
  fail<InvalidModel>("{}: found the unknown element type '{}'; {}", what, printable(name), kAccepted);
}

std::int64_t safetensors_bytes(const Dims& sizes, DType dtype, std::string_view what) {
  std::optional<std::int64_t> bytes = static_cast<std::int64_t>(size_of(dtype));
  // Empty dimensions last, so that no product overflows that is not there.
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return 0;
  for (const std::int64_t size : sizes) bytes = bytes ? base::checked_mul(*bytes, size) : std::nullopt;
  if (!bytes) fail<InvalidModel>("{}: sizes {} have too many elements", what, to_string(sizes));
  return *bytes;
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, const std::string& path) {
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes)
    fail<InvalidModel>("{}: found {} bytes; a safetensors file has at least {}", path, bytes.size(), kLengthBytes);
  std::memcpy(&length, bytes.data(), sizeof(length));
  if (length > kLongestHeader)
    fail<InvalidModel>("{}: the header claims {} bytes, at most {} are accepted; this is no safetensors file", path,
                       length, kLongestHeader);
  if (length > bytes.size() - kLengthBytes)
    fail<InvalidModel>("{}: the header claims {} bytes, {} follow; the file is truncated or no safetensors file", path,
                       length, bytes.size() - kLengthBytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) fail<InvalidModel>("{}: the header does not begin with '{{'", path);

  SafetensorsHeader header;
  header.data_offset = static_cast<std::int64_t>(kLengthBytes + length);
  const auto data_bytes = static_cast<std::int64_t>(bytes.size()) - header.data_offset;
  const JsonObject fields = JsonObject::parse(text, path);
  for (const std::string& name : fields.keys()) {
    if (name == "__metadata__") continue;  // whatever the writer wanted to say of itself
    const auto entry = fields.object(name);
    if (!entry) fail<InvalidModel>("{}: \"{}\": found null; an object is expected", path, printable(name));
    header.entries.push_back(read_entry(name, *entry, data_bytes));
  }
  std::sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::int64_t end = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.begin != end)
      fail<InvalidModel>("{}: \"{}\" begins at byte {}, the tensor before it ends at {}; {}", path,
                         printable(entry.name), entry.begin, end,
                         entry.begin < end ? "tensors must not overlap" : "no gap is allowed");
    end = entry.end;
  }
  if (end != data_bytes)
    fail<InvalidModel>("{}: its tensors end at byte {} of {}; nothing may follow them", path, end, data_bytes);
  return header;
}

}  // namespace wherry::import
