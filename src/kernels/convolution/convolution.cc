// The choice of a family, and the packing of weights for each.

#include "kernels/convolution/convolution.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "kernels/convolution/bf16_depthwise.h"
#include "kernels/convolution/families.h"
#include "kernels/convolution/window_kernels.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

std::int64_t group_inputs(const ConvolutionWeights& weights) { return weights.in_channels / weights.groups; }
std::int64_t group_outputs(const ConvolutionWeights& weights) { return weights.out_channels / weights.groups; }
std::int64_t taps(const ConvolutionWeights& weights) { return weights.kernel_h * weights.kernel_w; }

void check(const ConvolutionWeights& weights) {
  WHERRY_CHECK(weights.groups >= 1 && weights.in_channels >= 1 && weights.out_channels >= 1);
  WHERRY_CHECK(weights.kernel_h >= 1 && weights.kernel_w >= 1);
  WHERRY_CHECK_EQ(weights.in_channels % weights.groups, 0);
  WHERRY_CHECK_EQ(weights.out_channels % weights.groups, 0);
  WHERRY_CHECK(weights.dtype == DType::f32 || weights.dtype == DType::bf16);
  WHERRY_CHECK(!weights.in_parts || (weights.dtype == DType::f32 && weights.groups == 1 && weights.winograd == 0));
  WHERRY_CHECK(!weights.strassen || (weights.dtype == DType::f32 && weights.groups == 1 && taps(weights) == 1 &&
                                     weights.winograd == 0 && !weights.in_parts));
  WHERRY_CHECK(weights.winograd == 0 || weights.winograd == 2 || weights.winograd == 4);
}

/// Of the vectors that depthwise and grouped convolutions are packed for.
std::int64_t lanes_of(const ConvolutionWeights& weights, base::Isa isa) {
  if (weights.dtype == DType::bf16) return window_kernels(WindowKind::grouped, bf16_window_isa(isa)).lanes;
  return window_kernels(WindowKind::depthwise, base::fp32_isa(isa)).lanes;
}

std::int64_t packed_elements(const ConvolutionWeights& weights, base::Isa isa) {
  const TileKernels& tiles = tile_kernels(isa);
  const std::int64_t lanes = lanes_of(weights, isa);
  switch (family_of(weights, isa)) {
    case ConvolutionFamily::bf16_matmul: return weights.groups * bf16_panels(weights).bytes() / 4;
    case ConvolutionFamily::strassen:
      return static_cast<std::int64_t>(packed_bytes(strassen_matrix(weights), isa) / sizeof(float));
    case ConvolutionFamily::winograd: return winograd_elements(weights, isa);
    case ConvolutionFamily::implicit_matmul:
      return weights.groups *
             make_panels(group_outputs(weights), tiles).elements(taps(weights) * group_inputs(weights));
    case ConvolutionFamily::bf16_depthwise:
      return taps(weights) *
             ((weights.in_channels + kBf16DepthwiseLanes - 1) / kBf16DepthwiseLanes * kBf16DepthwiseLanes);
    case ConvolutionFamily::depthwise: return taps(weights) * ((weights.in_channels + lanes - 1) / lanes * lanes);
    case ConvolutionFamily::grouped:
      return grouped_vectors(weights, lanes).count * taps(weights) * group_inputs(weights) * lanes;
  }
  return 0;
}

void pack_implicit(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
                   float* packed, std::int64_t begin, std::int64_t end) {
  const Panels panels = make_panels(group_outputs(weights), tile_kernels(isa));
  const std::int64_t inputs = group_inputs(weights), depth = taps(weights) * inputs;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t g = item / panels.count, panel = item % panels.count;
    for (std::int64_t i = 0; i < weights.kernel_h; ++i)
      for (std::int64_t j = 0; j < weights.kernel_w; ++j)
        pack_panel(panels, panel, source + g * group_outputs(weights) * strides[0] + i * strides[2] + j * strides[3],
                   strides[1], strides[0], (i * weights.kernel_w + j) * inputs, inputs,
                   packed + g * panels.elements(depth) + panels.offset(panel, depth));
  }
}

void pack_bf16(const ConvolutionWeights& weights, const float* source, const std::int64_t strides[4], std::byte* packed,
               std::int64_t begin, std::int64_t end) {
  const Bf16Panels panels = bf16_panels(weights);
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t group = item / panels.count, panel = item % panels.count;
    pack_bf16_panel(panels, panel,
                    {source + group * group_outputs(weights) * strides[0],
                     false,
                     {weights.kernel_h, weights.kernel_w, group_inputs(weights)},
                     bf16_channels(weights),
                     {strides[2], strides[3], strides[1]},
                     strides[0]},
                    packed + group * panels.bytes() + panels.offset(panel));
  }
}

void pack_depthwise(const ConvolutionWeights& weights, std::int64_t lanes, const float* source,
                    const std::int64_t strides[4], float* packed) {
  const std::int64_t channels = weights.in_channels, padded = (channels + lanes - 1) / lanes * lanes;
  for (std::int64_t i = 0; i < weights.kernel_h; ++i)
    for (std::int64_t j = 0; j < weights.kernel_w; ++j, packed += padded)
      for (std::int64_t c = 0; c < padded; ++c)
        packed[c] = c < channels ? source[c * strides[0] + i * strides[2] + j * strides[3]] : 0.0f;
}

void pack_bf16_depthwise(const ConvolutionWeights& weights, bool split, const float* source,
                         const std::int64_t strides[4], float* packed) {
  constexpr std::int64_t kLanes = kBf16DepthwiseLanes;
  const std::int64_t channels = weights.in_channels;
  for (std::int64_t first = 0; first < channels; first += kLanes)
    for (std::int64_t i = 0; i < weights.kernel_h; ++i)
      for (std::int64_t j = 0; j < weights.kernel_w; ++j, packed += kLanes)
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
          const bool in_order = !split || channels - first <= kLanes / 2;
          const std::int64_t c = first + (in_order ? lane : lane % (kLanes / 2) * 2 + lane / (kLanes / 2));
          packed[lane] = c < channels ? source[c * strides[0] + i * strides[2] + j * strides[3]] : 0.0f;
        }
}

void pack_grouped(const ConvolutionWeights& weights, std::int64_t lanes, const float* source,
                  const std::int64_t strides[4], float* packed) {
  const GroupedVectors vectors = grouped_vectors(weights, lanes);
  for (std::int64_t v = 0; v < vectors.count; ++v)
    for (std::int64_t i = 0; i < weights.kernel_h; ++i)
      for (std::int64_t j = 0; j < weights.kernel_w; ++j)
        for (std::int64_t c = 0; c < group_inputs(weights); ++c)
          for (std::int64_t lane = 0; lane < lanes; ++lane) {
            const std::int64_t o = v * vectors.vector_outputs + lane;
            *packed++ = lane < vectors.vector_outputs && o < weights.out_channels
                            ? source[o * strides[0] + c * strides[1] + i * strides[2] + j * strides[3]]
                            : 0.0f;
          }
}

}  // namespace

ConvolutionFamily family_of(const ConvolutionWeights& weights, base::Isa isa) {
  const bool in_bf16 = weights.dtype == DType::bf16 || weights.in_parts;
  const auto matmul = in_bf16 ? ConvolutionFamily::bf16_matmul : ConvolutionFamily::implicit_matmul;
  if (weights.winograd != 0) return ConvolutionFamily::winograd;
  if (weights.strassen) return ConvolutionFamily::strassen;
  if (weights.groups == 1) return matmul;
  if (weights.groups == weights.in_channels && weights.groups == weights.out_channels)
    return weights.dtype == DType::bf16 ? ConvolutionFamily::bf16_depthwise : ConvolutionFamily::depthwise;
  // With fewer than two groups a vector, the matmul over one group wastes nothing.
  return grouped_vectors(weights, lanes_of(weights, isa)).groups_per_vector >= 2 ? ConvolutionFamily::grouped : matmul;
}

GroupedVectors grouped_vectors(const ConvolutionWeights& weights, std::int64_t lanes) {
  GroupedVectors result;
  result.groups_per_vector = std::min(lanes / group_inputs(weights), lanes / group_outputs(weights));
  result.vector_inputs = result.groups_per_vector * group_inputs(weights);
  result.vector_outputs = result.groups_per_vector * group_outputs(weights);
  result.count =
      result.groups_per_vector == 0 ? 0 : (weights.groups + result.groups_per_vector - 1) / result.groups_per_vector;
  return result;
}

std::size_t packed_bytes(const ConvolutionWeights& weights, base::Isa isa) {
  check(weights);
  return (static_cast<std::size_t>(packed_elements(weights, isa)) * sizeof(float) + 63) / 64 * 64;
}

std::string packed_format(const ConvolutionWeights& weights, base::Isa isa) {
  const TileKernels& tiles = tile_kernels(isa);
  const int panel = tiles.lanes * tiles.max_vectors;
  switch (family_of(weights, isa)) {
    case ConvolutionFamily::implicit_matmul: return fmt::format("f32_panel{}", panel);
    case ConvolutionFamily::depthwise: return fmt::format("f32_depthwise{}", lanes_of(weights, isa));
    case ConvolutionFamily::grouped: return fmt::format("f32_grouped{}", lanes_of(weights, isa));
    case ConvolutionFamily::bf16_matmul: return std::string(bf16_packed_format(weights.in_parts));
    case ConvolutionFamily::strassen: return packed_format(strassen_matrix(weights), isa);
    case ConvolutionFamily::winograd: return fmt::format("f32_winograd{}_panel{}", weights.winograd, panel);
    case ConvolutionFamily::bf16_depthwise:
      return splits_bf16_depthwise(isa) ? "f32_depthwise32_split" : "f32_depthwise32";
  }
  return "";
}

void pack(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
          void* packed) {
  pack(weights, isa, source, strides, packed, 0, packing_items(weights, isa));
}

std::int64_t packing_items(const ConvolutionWeights& weights, base::Isa isa) {
  // The weights of depthwise and grouped convolutions are too few to be worth dividing.
  const ConvolutionFamily family = family_of(weights, isa);
  if (family == ConvolutionFamily::bf16_matmul) return weights.groups * bf16_panels(weights).count;
  if (family == ConvolutionFamily::strassen) return packing_items(strassen_matrix(weights), isa);
  if (family != ConvolutionFamily::implicit_matmul && family != ConvolutionFamily::winograd) return 1;
  return weights.groups * make_panels(group_outputs(weights), tile_kernels(isa)).count;
}

void pack(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
          void* packed, std::int64_t begin, std::int64_t end) {
  check(weights);
  if (begin >= end) return;
  float* const to = static_cast<float*>(packed);
  const std::int64_t lanes = lanes_of(weights, isa);
  switch (family_of(weights, isa)) {
    case ConvolutionFamily::implicit_matmul: return pack_implicit(weights, isa, source, strides, to, begin, end);
    case ConvolutionFamily::strassen:
      return pack(strassen_matrix(weights), isa, source, strides[1], strides[0], packed, begin, end);
    case ConvolutionFamily::winograd: return pack_winograd(weights, isa, source, strides, to, begin, end);
    case ConvolutionFamily::bf16_matmul:
      return pack_bf16(weights, source, strides, static_cast<std::byte*>(packed), begin, end);
    case ConvolutionFamily::bf16_depthwise:
      return pack_bf16_depthwise(weights, splits_bf16_depthwise(isa), source, strides, to);
    case ConvolutionFamily::depthwise: return pack_depthwise(weights, lanes, source, strides, to);
    case ConvolutionFamily::grouped: return pack_grouped(weights, lanes, source, strides, to);
  }
}

bool applies(const ConvolutionShape& shape, base::Isa isa) {
  const ConvolutionWeights& weights = shape.weights;
  if (weights.in_parts) return weights.dtype == DType::f32 && weights.groups == 1 && multiplies_parts(isa);
  if (weights.winograd != 0) return winograd_allowed(shape, isa);
  return !weights.strassen || strassen_allowed(shape, isa);
}

std::unique_ptr<const Convolution> make_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                    const Choice& choice) {
  check(shape.weights);
  WHERRY_CHECK(shape.x_stride_phase == 0 ||
               (shape.x_halo && reads_phases(shape.weights) && shape.stride_h == 2 && shape.stride_w == 2 &&
                shape.dilation_h == 1 && shape.dilation_w == 1 && shape.in_h % 2 == 0 && shape.in_w % 2 == 0));
  WHERRY_CHECK(shape.y_stride_phase == 0 || writes_phases(shape.weights));
  WHERRY_CHECK(threads >= 1);
  WHERRY_CHECK(shape.stride_h >= 1 && shape.stride_w >= 1 && shape.dilation_h >= 1 && shape.dilation_w >= 1);
  WHERRY_CHECK(shape.pad_top >= 0 && shape.pad_bottom >= 0 && shape.pad_left >= 0 && shape.pad_right >= 0);
  WHERRY_CHECK(applies(shape, isa));
  WHERRY_CHECK(shape.batch >= 0 && shape.out_h() >= 1 && shape.out_w() >= 1);
  const ConvolutionFamily family = family_of(shape.weights, isa);
  if (family == ConvolutionFamily::implicit_matmul) return make_implicit_convolution(shape, isa, threads, choice);
  if (family == ConvolutionFamily::strassen) return make_strassen_convolution(shape, isa, threads);
  if (family == ConvolutionFamily::winograd) return make_winograd_convolution(shape, isa, threads);
  if (family == ConvolutionFamily::bf16_matmul) return make_bf16_convolution(shape, isa, threads, choice);
  if (family == ConvolutionFamily::bf16_depthwise) return make_bf16_depthwise(shape, isa, threads);
  return make_window_convolution(shape, isa, threads);
}

}  // namespace wherry::kernels
