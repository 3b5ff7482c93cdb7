#include "wherry/dtype.h"

#include <array>

namespace wherry {
namespace {

struct Row {
  DType dtype;
  std::size_t size;
  std::string_view name;
};

constexpr std::array<Row, 10> kRows = {{
    {DType::f32, 4, "float32"},
    {DType::f64, 8, "float64"},
    {DType::f16, 2, "float16"},
    {DType::bf16, 2, "bfloat16"},
    {DType::i64, 8, "int64"},
    {DType::i32, 4, "int32"},
    {DType::i16, 2, "int16"},
    {DType::i8, 1, "int8"},
    {DType::u8, 1, "uint8"},
    {DType::boolean, 1, "bool"},
}};

}  // namespace

std::size_t size_of(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].size; }

std::string_view name_of(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.dtype;
  return std::nullopt;
}

}  // namespace wherry
