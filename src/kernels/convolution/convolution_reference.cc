// The oracle of convolution: the formula, element by element.

#include <vector>

#include "kernels/convolution/convolution.h"
#include "kernels/element.h"

namespace wherry::kernels {

void convolution_reference(const ConvolutionShape& shape, const ConvolutionArguments& arguments,
                           const std::int64_t weight_strides[4]) {
  const ConvolutionWeights& sizes = shape.weights;
  const Epilogue& epilogue = arguments.epilogue;
  const std::int64_t inputs = sizes.in_channels / sizes.groups, outputs = sizes.out_channels / sizes.groups;
  const std::int64_t y_bytes = static_cast<std::int64_t>(size_of(shape.y_dtype));
  for (std::int64_t n = 0; n < shape.batch; ++n)
    for (std::int64_t oh = 0; oh < shape.out_h(); ++oh)
      for (std::int64_t ow = 0; ow < shape.out_w(); ++ow)
        for (std::int64_t o = 0; o < sizes.out_channels; ++o) {
          double sum = epilogue.bias == nullptr ? 0.0 : epilogue.bias[o];
          for (std::int64_t i = 0; i < sizes.kernel_h; ++i)
            for (std::int64_t j = 0; j < sizes.kernel_w; ++j) {
              const std::int64_t ih = oh * shape.stride_h + i * shape.dilation_h - shape.pad_top;
              const std::int64_t iw = ow * shape.stride_w + j * shape.dilation_w - shape.pad_left;
              if (ih < 0 || ih >= shape.in_h || iw < 0 || iw >= shape.in_w) continue;
              const std::int64_t x = shape.x_at(n, ih, iw) + o / outputs * inputs;
              const std::int64_t w = o * weight_strides[0] + i * weight_strides[2] + j * weight_strides[3];
              for (std::int64_t c = 0; c < inputs; ++c)
                sum += static_cast<double>(load_element(arguments.x, x + c, sizes.dtype)) *
                       load_element(arguments.weights, w + c * weight_strides[1], sizes.dtype);
            }
          const std::int64_t row = (n * shape.out_h() + oh) * shape.out_w() + ow;
          if (epilogue.residual != nullptr)
            sum += load_element(epilogue.residual, row * epilogue.residual_row_stride + o, epilogue.residual_dtype);
          float value = static_cast<float>(sum);
          if (value < epilogue.low) value = epilogue.low;
          if (value > epilogue.high) value = epilogue.high;
          value = static_cast<float>(activate(epilogue.activation, value));
          std::byte* y = static_cast<std::byte*>(arguments.y) + (shape.y_at(n, oh, ow) + o) * y_bytes;
          if (epilogue.program == nullptr) {
            store_element(y, shape.y_dtype, value);
            continue;
          }
          std::vector<TileOperand> operands = {{&value, 0, 0}};
          for (int k = 0; k < epilogue.operand_count; ++k) {
            TileOperand operand = epilogue.operands[k];
            operand.data = static_cast<const std::byte*>(operand.data) +
                           (row * operand.row_stride + o * operand.column_stride) * operand.element_bytes;
            operands.push_back(operand);
          }
          epilogue.program->run(operands.data(), {y, 0, 0}, 1, 1);
        }
}

}  // namespace wherry::kernels
