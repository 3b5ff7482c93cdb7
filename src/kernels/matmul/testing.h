#pragma once
// What the tests of matmul and convolution share: numbers, guarded outputs, an epilogue program, the walk over items.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/cpu.h"
#include "kernels/matmul/matmul.h"
#include "kernels/tile.h"
#include "tensor/half.h"

namespace wherry::kernels::testing {

/// The instruction sets of this machine that have bf16 kernels.
inline std::vector<base::Isa> bf16_isas() {
  std::vector<base::Isa> isas;
  for (const base::Isa isa : base::runnable_isas())
    if (base::has_bf16(isa)) isas.push_back(isa);
  return isas;
}

/// Those of them that multiply fp32 numbers in parts.
inline std::vector<base::Isa> isas_of_parts() {
  std::vector<base::Isa> isas = bf16_isas();
  std::erase_if(isas, [](base::Isa isa) { return !multiplies_parts(isa); });
  return isas;
}

/// The shape's B, with its strides, in packed form.
inline base::AlignedBuffer packed_copy(const MatmulShape& shape, base::Isa isa, const float* b) {
  const PackedMatrix matrix{shape.depth, shape.columns, shape.dtype, shape.in_parts, shape.strassen};
  base::AlignedBuffer packed(packed_bytes(matrix, isa));
  if (packed.size() > 0) std::memset(packed.data(), 0xFF, packed.size());
  pack(matrix, isa, b, shape.b_depth_stride, shape.b_column_stride, packed.data());
  return packed;
}

/// Small whole numbers: every sum of their products is exact in fp32, so results must be equal to the last bit and a
/// term left out or taken twice cannot hide in a tolerance.
inline std::vector<float> whole_numbers(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(static_cast<int>(random() % 9) - 4);
  return values;
}

/// Numbers in [-1, 1).
inline std::vector<float> fractions(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random() % (1u << 24)) / (1u << 23) - 1.0f;
  return values;
}

/// result = 2·x0 + x1 + x2, where x1 is fp32 and x2 int16; the result is fp32 or int16.
class FakeProgram final : public TileProgram {
 public:
  explicit FakeProgram(DType result) : result_(result) {}
  void run(const TileOperand* operands, const TileDestination& to, std::int64_t rows,
           std::int64_t columns) const noexcept override {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        const auto at = [&](int i) { return r * operands[i].row_stride + c * operands[i].column_stride; };
        const float y = 2 * static_cast<const float*>(operands[0].data)[at(0)] +
                        static_cast<const float*>(operands[1].data)[at(1)] +
                        static_cast<const std::int16_t*>(operands[2].data)[at(2)];
        const std::int64_t index = r * to.row_stride + c * to.column_stride;
        if (result_ == DType::f32)
          static_cast<float*>(to.data)[index] = y;
        else
          static_cast<std::int16_t*>(to.data)[index] = static_cast<std::int16_t>(y);
      }
  }

 private:
  DType result_;
};

/// The same numbers as bf16; whole numbers up to 256 stay what they are.
inline std::vector<std::uint16_t> to_bf16(const std::vector<float>& values) {
  std::vector<std::uint16_t> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(), tensor::float_to_bf16);
  return rounded;
}
inline std::vector<float> from_bf16(const std::vector<std::uint16_t>& values) {
  std::vector<float> wide(values.size());
  std::transform(values.begin(), values.end(), wide.begin(), tensor::bf16_to_float);
  return wide;
}

/// Dense row-major operands.
inline MatmulShape dense_product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  MatmulShape shape;
  shape.rows = rows, shape.depth = depth, shape.columns = columns;
  shape.a_row_stride = depth, shape.b_depth_stride = columns, shape.c_row_stride = columns;
  return shape;
}

/// An output that starts as a pattern: afterwards what the oracle did not write must still be the pattern.
inline std::vector<float> guarded(std::int64_t count) {
  return std::vector<float>(static_cast<std::size_t>(count), -12345.5f);
}

/// Runs all items of a primitive in ranges of random length and random order, each with scratch full of NaNs.
template <typename Primitive, typename Arguments>
void run_in_pieces(const Primitive& primitive, const Arguments& arguments, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  for (std::int64_t begin = 0; begin < primitive.items();) {
    const std::int64_t length =
        1 + static_cast<std::int64_t>(random()) % std::max<std::int64_t>(1, primitive.items() / 2);
    const std::int64_t end = std::min(primitive.items(), begin + length);
    ranges.emplace_back(begin, end);
    begin = end;
  }
  std::shuffle(ranges.begin(), ranges.end(), random);
  for (const auto& [begin, end] : ranges) {
    base::AlignedBuffer scratch(primitive.scratch_bytes());
    if (scratch.size() > 0) std::memset(scratch.data(), 0xFF, scratch.size());
    primitive.run(arguments, begin, end, scratch.data());
  }
}

/// The oracle's C.
inline std::vector<float> reference_product(const MatmulShape& shape, MatmulArguments arguments,
                                            const std::vector<float>& b, std::int64_t c_elements) {
  std::vector<float> expected = guarded(c_elements);
  arguments.b = b.data(), arguments.c = expected.data();
  matmul_reference(shape, arguments);
  return expected;
}

/// The C of a product by `b`, packed, in pieces.
inline std::vector<float> packed_product(const MatmulShape& shape, base::Isa isa, MatmulArguments arguments,
                                         const std::vector<float>& b, std::int64_t c_elements, int threads = 2,
                                         const Choice& choice = {}) {
  const base::AlignedBuffer packed = packed_copy(shape, isa, b.data());
  std::vector<float> c = guarded(c_elements);
  arguments.b = packed.data(), arguments.c = c.data();
  run_in_pieces(*make_matmul(shape, isa, threads, choice), arguments, static_cast<unsigned>(shape.rows));
  return c;
}

/// Equal to the last bit, NaN equal to NaN; stops at the first difference.
inline void expect_same(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(expected[i])) continue;
    ASSERT_EQ(got[i], expected[i]) << "at element " << i;
  }
}

}  // namespace wherry::kernels::testing
