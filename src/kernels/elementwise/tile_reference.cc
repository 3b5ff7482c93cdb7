// The scalar loops of elementwise programs: every opcode, every dtype, any stride. Their arithmetic is
// expression/apply.h, so they mean what `evaluate` means.

#include <type_traits>
#include <utility>

#include "expression/apply.h"
#include "kernels/elementwise/tile_kernels.h"
#include "tensor/elements.h"

namespace wherry::kernels {
namespace {

using expression::Opcode;

template <typename T>
constexpr bool has_meaning(Opcode opcode) {
  if (opcode == Opcode::constant) return false;
  if constexpr (std::is_floating_point_v<T>) {
    return opcode != Opcode::bit_and && opcode != Opcode::bit_or && opcode != Opcode::bit_xor;
  } else {
    switch (opcode) {
      case Opcode::atan2:
      case Opcode::sigmoid: return false;
      default: return opcode < Opcode::exp || opcode >= Opcode::floor;
    }
  }
}

template <typename T, Opcode opcode>
void apply_all(const TileArguments<T>& r) noexcept {
  for (std::int64_t i = 0; i < r.n; ++i) {
    const std::size_t at = static_cast<std::size_t>(i);
    const T a = r.a[at & r.a_mask], b = r.b[at & r.b_mask], c = r.c[at & r.c_mask];
    if constexpr (std::is_floating_point_v<T>)
      r.y[i] = expression::apply_float<T>(opcode, a, b, c);
    else
      r.y[i] = expression::apply_int(opcode, a, b, c);
  }
}

template <typename T>
void copy_all(const TileArguments<T>& r) noexcept {
  for (std::int64_t i = 0; i < r.n; ++i) r.y[i] = r.a[static_cast<std::size_t>(i) & r.a_mask];
}

template <typename T, DType dtype>
T read(const void* x, std::int64_t at) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return tensor::load_int(x, dtype, at);
  else
    return static_cast<T>(tensor::load_double(x, dtype, at));
}

template <typename T, DType dtype>
void write(void* y, std::int64_t at, T value) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    tensor::store_int(y, dtype, at, value);
  else
    tensor::store_double(y, dtype, at, value);
}

template <typename T, DType dtype>
void load_all(T* y, const void* x, std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
              std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      y[i * columns + j] = read<T, dtype>(x, i * row_stride + j * column_stride);
}

template <typename T, DType dtype>
void store_all(void* y, std::int64_t row_stride, std::int64_t column_stride, const T* x, std::int64_t rows,
               std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      write<T, dtype>(y, i * row_stride + j * column_stride, x[i * columns + j]);
}

template <typename T, std::size_t... opcode, std::size_t... dtype>
constexpr TileKernels<T> make_table(std::index_sequence<opcode...>, std::index_sequence<dtype...>) {
  TileKernels<T> table{};
  const auto set = [&]<std::size_t k>() {
    if constexpr (has_meaning<T>(static_cast<Opcode>(k))) table.opcodes[k] = apply_all<T, static_cast<Opcode>(k)>;
  };
  (set.template operator()<opcode>(), ...);
  table.copy = copy_all<T>;
  ((table.load[dtype] = load_all<T, static_cast<DType>(dtype)>), ...);
  ((table.store[dtype] = store_all<T, static_cast<DType>(dtype)>), ...);
  return table;
}

template <typename T>
constexpr TileKernels<T> make_table() {
  return make_table<T>(std::make_index_sequence<kOpcodes>(), std::make_index_sequence<kDTypes>());
}

}  // namespace

constinit const TileKernels<float> kTileReference = make_table<float>();
constinit const TileKernels<double> kTileReferenceF64 = make_table<double>();
constinit const TileKernels<std::int64_t> kTileReferenceI64 = make_table<std::int64_t>();

}  // namespace wherry::kernels
