// Every shape is taken apart by a structured binding that names all its members: a member added to a shape does not
// compile here until the key has it. Lists are preceded by their length, so no two shapes spell alike.

#include "runtime/primitive_key.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

namespace wherry::runtime {
namespace {

class Key {
 public:
  Key(std::string_view family, base::Isa isa) {
    text_.reserve(192);
    text_ += family;
    text_ += ' ';
    text_ += base::name_of(isa);
  }

  template <typename T>
    requires std::integral<T> || std::is_enum_v<T>
  void add(T value) {
    fmt::format_int digits(static_cast<std::int64_t>(value));
    text_ += ' ';
    text_.append(digits.data(), digits.size());
  }
  void add(float value) { add(std::bit_cast<std::uint32_t>(value)); }
  void add(double value) { add(std::bit_cast<std::int64_t>(value)); }
  template <typename T, std::size_t N>
  void add(const std::array<T, N>& values) {
    for (const T& value : values) add(value);
  }
  template <typename T>
  void add(const std::vector<T>& values) {
    add(values.size());
    for (const auto& value : values) add(static_cast<T>(value));
  }
  template <typename T>
  void add(const std::vector<std::vector<T>>& lists) {
    add(lists.size());
    for (const std::vector<T>& list : lists) add(list);
  }
  void add(const expression::Program& program) {
    const auto& [compute, inputs, code] = program;
    all(compute, inputs, code.size());
    for (const expression::Instruction& instruction : code) {
      const auto& [opcode, a, b, c, immediate] = instruction;
      all(opcode, a, b, c, immediate);
    }
  }

  template <typename... T>
  void all(const T&... values) {
    (add(values), ...);
  }
  template <typename... T>
  std::string with(const T&... values) {
    all(values...);
    return std::move(text_);
  }

 private:
  std::string text_;
};

}  // namespace

std::string primitive_key(const kernels::ConvolutionShape& shape, base::Isa isa, int threads) {
  const auto& [weights, batch, in_h, in_w, stride_h, stride_w, pad_top, pad_bottom, pad_left, pad_right, dilation_h,
               dilation_w, x_stride_n, x_stride_h, x_stride_w, y_stride_n, y_stride_h, y_stride_w, y_dtype, x_halo,
               x_stride_phase, y_stride_phase] = shape;
  const auto& [in_channels, out_channels, kernel_h, kernel_w, groups, dtype, winograd, in_parts, strassen] = weights;
  return Key("convolution", isa)
      .with(threads, in_channels, out_channels, kernel_h, kernel_w, groups, batch, in_h, in_w, stride_h, stride_w,
            pad_top, pad_bottom, pad_left, pad_right, dilation_h, dilation_w, x_stride_n, x_stride_h, x_stride_w,
            y_stride_n, y_stride_h, y_stride_w, y_dtype, x_halo, x_stride_phase, y_stride_phase, dtype, winograd,
            in_parts, strassen);
}

std::string primitive_key(const kernels::MatmulShape& shape, base::Isa isa, int threads) {
  const auto& [rows, depth, columns, dtype, in_parts, strassen, a_row_stride, a_depth_stride, packed_b, b_depth_stride,
               b_column_stride, c_row_stride, c_dtype, batch, a_batch_strides, b_batch_strides, c_batch_strides] =
      shape;
  return Key("matmul", isa)
      .with(threads, rows, depth, columns, dtype, in_parts, strassen, a_row_stride, a_depth_stride, packed_b,
            b_depth_stride, b_column_stride, c_row_stride, c_dtype, batch, a_batch_strides, b_batch_strides,
            c_batch_strides);
}

std::string primitive_key(const kernels::AttentionShape& shape, base::Isa isa) {
  const auto& [outer_sizes, rows, keys, depth, columns, dtype, y_dtype, scale, causal, zero_hidden, masked,
               q_row_stride, k_row_stride, v_row_stride, y_row_stride, mask_row_stride, q_outer_strides,
               k_outer_strides, v_outer_strides, y_outer_strides, mask_outer_strides] = shape;
  return Key("attention", isa)
      .with(outer_sizes, rows, keys, depth, columns, dtype, y_dtype, scale, causal, zero_hidden, masked, q_row_stride,
            k_row_stride, v_row_stride, y_row_stride, mask_row_stride, q_outer_strides, k_outer_strides,
            v_outer_strides, y_outer_strides, mask_outer_strides);
}

std::string primitive_key(const kernels::PoolShape& shape, base::Isa isa) {
  const auto& [mode, adaptive, batch, channels, in_height, in_width, out_height, out_width, kernel_h, kernel_w,
               stride_h, stride_w, pad_top, pad_bottom, pad_left, pad_right, dilation_h, dilation_w, count_include_pad,
               divisor, dtype, x_batch_stride, x_row_stride, x_column_stride, y_batch_stride, y_row_stride,
               y_column_stride] = shape;
  return Key("pool", isa)
      .with(mode, adaptive, batch, channels, in_height, in_width, out_height, out_width, kernel_h, kernel_w, stride_h,
            stride_w, pad_top, pad_bottom, pad_left, pad_right, dilation_h, dilation_w, count_include_pad, divisor,
            dtype, x_batch_stride, x_row_stride, x_column_stride, y_batch_stride, y_row_stride, y_column_stride);
}

std::string primitive_key(const kernels::CopyShape& shape, base::Isa isa) {
  const auto& [sizes, source_strides, destination_strides, element_bytes] = shape;
  return Key("copy", isa).with(sizes, source_strides, destination_strides, element_bytes);
}

std::string primitive_key(const kernels::FillShape& shape, base::Isa isa) {
  const auto& [sizes, strides, element_bytes] = shape;
  return Key("fill", isa).with(sizes, strides, element_bytes);
}

std::string primitive_key(const kernels::PixelsShape& shape, base::Isa isa) {
  const auto& [batch, channels, height, width, x_dtype, x_stride_n, x_stride_c, x_stride_h, x_stride_w, y_channels, top,
               bottom, left, right] = shape;
  return Key("pixels", isa)
      .with(batch, channels, height, width, x_dtype, x_stride_n, x_stride_c, x_stride_h, x_stride_w, y_channels, top,
            bottom, left, right);
}

std::string primitive_key(const kernels::GatherShape& shape, base::Isa isa) {
  const auto& [outer, table_rows, count, row_elements, element_bytes, table_outer_stride, table_row_stride,
               y_outer_stride, y_row_stride, index_dtype, index_stride, negative_wraps] = shape;
  return Key("gather", isa)
      .with(outer, table_rows, count, row_elements, element_bytes, table_outer_stride, table_row_stride, y_outer_stride,
            y_row_stride, index_dtype, index_stride, negative_wraps);
}

std::string primitive_key(const kernels::LayerNormShape& shape, base::Isa isa) {
  const auto& [outer_sizes, x_outer_strides, y_outer_strides, columns, epsilon, x_dtype, y_dtype] = shape;
  return Key("layer_norm", isa).with(outer_sizes, x_outer_strides, y_outer_strides, columns, epsilon, x_dtype, y_dtype);
}

std::string primitive_key(const kernels::GroupNormShape& shape, base::Isa isa) {
  const auto& [batch, channels, positions, groups, x_batch_stride, x_channel_stride, x_position_stride, y_batch_stride,
               y_channel_stride, y_position_stride, epsilon] = shape;
  return Key("group_norm", isa)
      .with(batch, channels, positions, groups, x_batch_stride, x_channel_stride, x_position_stride, y_batch_stride,
            y_channel_stride, y_position_stride, epsilon);
}

std::string primitive_key(const kernels::SoftmaxShape& shape, base::Isa isa) {
  const auto& [outer_sizes, x_outer_strides, y_outer_strides, columns, x_stride, y_stride, log] = shape;
  return Key("softmax", isa).with(outer_sizes, x_outer_strides, y_outer_strides, columns, x_stride, y_stride, log);
}

std::string primitive_key(const kernels::ReductionShape& shape, base::Isa isa) {
  const auto& [mode, sizes, reduced, x_strides, y_strides, x_dtype, y_dtype] = shape;
  return Key("reduction", isa).with(mode, sizes, reduced, x_strides, y_strides, x_dtype, y_dtype);
}

std::string primitive_key(const expression::Program& program, const kernels::ElementwiseShape& shape, base::Isa isa) {
  const auto& [sizes, destination_strides, destination_dtype, operand_strides, operand_dtypes] = shape;
  return Key("elementwise", isa)
      .with(program, sizes, destination_strides, destination_dtype, operand_strides, operand_dtypes);
}

std::string primitive_key(const expression::Program& program, std::span<const DType> operands, DType result,
                          base::Isa isa) {
  return Key("tile_program", isa).with(program, std::vector<DType>(operands.begin(), operands.end()), result);
}

}  // namespace wherry::runtime
