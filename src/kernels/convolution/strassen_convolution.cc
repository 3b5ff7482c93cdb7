// A 1×1 convolution as the product that it is: pixels are rows, channels depth and columns.

#include "kernels/convolution/families.h"
#include "kernels/matmul/matmul.h"

namespace wherry::kernels {
namespace {

/// Whether all pixels of the batch are one stride apart.
bool is_dense(const ConvolutionShape& shape, std::int64_t stride_n, std::int64_t stride_h, std::int64_t stride_w) {
  const std::int64_t rows = shape.in_h, columns = shape.in_w;
  return (rows == 1 || stride_h == columns * stride_w) && (shape.batch == 1 || stride_n == rows * columns * stride_w);
}

bool is_product(const ConvolutionShape& shape) {
  const ConvolutionWeights& weights = shape.weights;
  if (weights.kernel_h != 1 || weights.kernel_w != 1 || weights.groups != 1 || weights.dtype != DType::f32)
    return false;
  if (shape.stride_h != 1 || shape.stride_w != 1) return false;
  if (shape.pad_top != 0 || shape.pad_bottom != 0 || shape.pad_left != 0 || shape.pad_right != 0) return false;
  return is_dense(shape, shape.x_stride_n, shape.x_stride_h, shape.x_stride_w) &&
         is_dense(shape, shape.y_stride_n, shape.y_stride_h, shape.y_stride_w);
}

MatmulShape product_of(const ConvolutionShape& shape) {
  MatmulShape product;
  product.rows = shape.batch * shape.in_h * shape.in_w;
  product.depth = shape.weights.in_channels;
  product.columns = shape.weights.out_channels;
  product.strassen = true;
  product.a_row_stride = shape.x_stride_w;
  product.c_row_stride = shape.y_stride_w;
  product.c_dtype = shape.y_dtype;
  return product;
}

class StrassenConvolution final : public Convolution {
 public:
  StrassenConvolution(const ConvolutionShape& shape, base::Isa isa, int threads)
      : product_(make_matmul(product_of(shape), isa, threads)) {}

  std::string_view name() const override { return product_->name(); }
  std::int64_t items() const override { return product_->items(); }
  std::size_t scratch_bytes() const override { return product_->scratch_bytes(); }
  std::int64_t weight_offset(std::int64_t item) const override { return product_->weight_offset(item); }
  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override {
    MatmulArguments product;
    product.a = arguments.x;
    product.b = arguments.weights;
    product.c = arguments.y;
    product.epilogue = arguments.epilogue;
    product.next = arguments.next;
    product_->run(product, begin, end, scratch);
  }

 private:
  std::unique_ptr<const Matmul> product_;
};

}  // namespace

bool strassen_allowed(const ConvolutionShape& shape, base::Isa isa) {
  return is_product(shape) && applies(product_of(shape), isa);
}

bool prefers_strassen(const ConvolutionShape& shape, base::Isa isa) {
  return is_product(shape) && prefers_strassen(isa, shape.batch * shape.in_h * shape.in_w, shape.weights.in_channels,
                                               shape.weights.out_channels);
}

PackedMatrix strassen_matrix(const ConvolutionWeights& weights) {
  PackedMatrix matrix;
  matrix.depth = weights.in_channels;
  matrix.columns = weights.out_channels;
  matrix.strassen = true;
  return matrix;
}

std::unique_ptr<const Convolution> make_strassen_convolution(const ConvolutionShape& shape, base::Isa isa,
                                                             int threads) {
  return std::make_unique<StrassenConvolution>(shape, isa, threads);
}

}  // namespace wherry::kernels
