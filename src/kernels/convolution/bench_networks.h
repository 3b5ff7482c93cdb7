#pragma once
// The convolutions of the networks that convolution_bench times, in the order in which the networks run them.

#include <cstdint>
#include <vector>

#include "kernels/convolution/convolution.h"

namespace wherry::kernels::bench {

struct Layer {
  ConvolutionShape shape;
  bool residual = false;  ///< adds the block's input in its epilogue
  bool clamp = true;      ///< ends in a ReLU (or ReLU6, which costs the same)
};

struct LayerOptions {
  std::int64_t groups = 1;
  bool residual = false;
  bool clamp = true;
};

/// A square image of `size`, a square kernel, padded to keep its size where the stride is 1.
inline Layer layer(std::int64_t batch, std::int64_t size, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::int64_t stride, const LayerOptions& options = {}) {
  ConvolutionShape shape;
  shape.weights = {in, out, kernel, kernel, options.groups};
  shape.batch = batch;
  shape.in_h = shape.in_w = size;
  shape.stride_h = shape.stride_w = stride;
  shape.pad_top = shape.pad_bottom = shape.pad_left = shape.pad_right = kernel / 2;
  shape.set_dense_strides();
  return {shape, options.residual, options.clamp};
}

/// bf16 weights and activations, laid out as the runtime lays them out: few channels are padded, and what a padded
/// convolution reads where it lies (with stride 1, or in wide rows) has a halo.
inline void make_bf16(Layer& layer) {
  ConvolutionShape& shape = layer.shape;
  shape.weights.dtype = shape.y_dtype = DType::bf16;
  const bool pads_channels = kernels::pads_channels(shape.weights);
  if (pads_channels) shape.x_stride_w = bf16_channels(shape.weights);
  const bool flat = shape.stride_w == 1 || shape.out_w() >= 16;
  shape.x_halo = shape.pad_left > 0 && flat && reads_halo(shape.weights);
  shape.x_stride_h = (shape.in_w + (shape.x_halo ? shape.pad_left : 0)) * shape.x_stride_w;
  shape.x_stride_n = (shape.in_h + (shape.x_halo ? shape.pad_top : 0)) * shape.x_stride_h;
}

inline std::vector<Layer> resnet50(std::int64_t batch) {
  std::vector<Layer> layers = {layer(batch, 224, 3, 64, 7, 2)};
  std::int64_t in = 64, size = 56;
  const int blocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage)
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::int64_t width = 64 << stage, stride = stage > 0 && block == 0 ? 2 : 1;
      layers.push_back(layer(batch, size, in, width, 1, 1));
      layers.push_back(layer(batch, size, width, width, 3, stride));
      if (block == 0) layers.push_back(layer(batch, size, in, 4 * width, 1, stride, {.clamp = false}));
      size /= stride;
      layers.push_back(layer(batch, size, width, 4 * width, 1, 1, {.residual = true}));
      in = 4 * width;
    }
  return layers;
}

inline std::vector<Layer> mobilenet_v2(std::int64_t batch) {
  std::vector<Layer> layers = {layer(batch, 224, 3, 32, 3, 2)};
  std::int64_t in = 32, size = 112;
  const std::int64_t rows[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (const auto& [expand, out, repeat, first_stride] : rows)
    for (std::int64_t i = 0; i < repeat; ++i) {
      const std::int64_t stride = i == 0 ? first_stride : 1, hidden = in * expand;
      if (expand > 1) layers.push_back(layer(batch, size, in, hidden, 1, 1));
      layers.push_back(layer(batch, size, hidden, hidden, 3, stride, {.groups = hidden}));
      size /= stride;
      layers.push_back(layer(batch, size, hidden, out, 1, 1, {.residual = i > 0, .clamp = false}));
      in = out;
    }
  layers.push_back(layer(batch, size, 320, 1280, 1, 1));
  return layers;
}

}  // namespace wherry::kernels::bench
