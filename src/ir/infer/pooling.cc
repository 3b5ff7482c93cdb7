// Types of pooling and of resampling.

#include <algorithm>
#include <cmath>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

/// [N, C, spatial...] or [C, spatial...]: the position of the first spatial dimension.
std::size_t first_spatial(const Call& call, std::size_t spatial) {
  const TensorType& input = call.tensor(0);
  if (input.sizes.size() != spatial + 2 && input.sizes.size() != spatial + 1)
    call.invalid("input {} has {} dimensions, needs {} or {}", to_string(input.sizes), input.sizes.size(), spatial + 1,
                 spatial + 2);
  return input.sizes.size() - spatial;
}

std::vector<TensorType> pool(const Call& call, std::size_t spatial) {
  const TensorType& input = call.tensor(0);
  const std::size_t first = first_spatial(call, spatial);
  const Dims kernel = call.per_dimension("kernel_size", spatial, 1);
  const Attribute* given = call.find("stride");
  const auto* list = given ? std::get_if<Dims>(given) : nullptr;
  const Dims stride = !given || (list && list->empty()) ? kernel : call.per_dimension("stride", spatial, 1);
  const Dims padding = call.has("padding") ? call.per_dimension("padding", spatial, 0) : Dims(spatial, 0);
  const Dims dilation = call.has("dilation") ? call.per_dimension("dilation", spatial, 1) : Dims(spatial, 1);
  Dims sizes = input.sizes;
  for (std::size_t d = 0; d < spatial; ++d) {
    if (padding[d] > kernel[d] / 2)
      call.invalid("padding {} is more than half the kernel {}", to_string(padding), to_string(kernel));
    sizes[first + d] = window_count(call, sizes[first + d], padding[d], padding[d], kernel[d], stride[d], dilation[d],
                                    call.flag_or("ceil_mode", false));
  }
  return {plain(input.dtype, std::move(sizes))};
}

std::vector<TensorType> pool1d(const Call& call) { return pool(call, 1); }
std::vector<TensorType> pool2d(const Call& call) {
  if (call.has("divisor_override") && call.integer("divisor_override") == 0) call.invalid("divisor_override is 0");
  return pool(call, 2);
}
std::vector<TensorType> pool2d_with_indices(const Call& call) {
  auto types = pool(call, 2);
  types.push_back(plain(DType::i64, types[0].sizes));
  return types;
}

std::vector<TensorType> adaptive(const Call& call, std::size_t spatial) {
  const TensorType& input = call.tensor(0);
  const std::size_t first = first_spatial(call, spatial);
  const Dims output = call.per_dimension("output_size", spatial, 0);
  Dims sizes = input.sizes;
  for (std::size_t d = 0; d < spatial; ++d) {
    if (sizes[first + d] == 0) call.invalid("input {} has nothing to pool", to_string(sizes));
    sizes[first + d] = output[d];
  }
  return {plain(input.dtype, std::move(sizes))};
}

std::vector<TensorType> adaptive1d(const Call& call) { return adaptive(call, 1); }
std::vector<TensorType> adaptive2d(const Call& call) { return adaptive(call, 2); }

std::vector<TensorType> with_indices(std::vector<TensorType> types) {
  types.push_back(plain(DType::i64, types[0].sizes));
  return types;
}
std::vector<TensorType> adaptive_max1d(const Call& call) { return with_indices(adaptive(call, 1)); }
std::vector<TensorType> adaptive_max2d(const Call& call) { return with_indices(adaptive(call, 2)); }

/// Resampling to output_size, or by scale_factors.
std::vector<TensorType> upsample2d(const Call& call) {
  const TensorType& input = call.tensor(0);
  if (input.sizes.size() != 4)
    call.invalid("input {} has {} dimensions, needs 4", to_string(input.sizes), input.sizes.size());
  Dims sizes = input.sizes;
  if (call.has("output_size")) {
    const Dims output = call.per_dimension("output_size", 2, 1);
    sizes[2] = output[0];
    sizes[3] = output[1];
  } else {
    const Attribute* attribute = call.find("scale_factors");
    const auto* scales = attribute ? std::get_if<std::vector<double>>(attribute) : nullptr;
    if (!scales || scales->size() != 2) call.invalid("needs output_size or two scale_factors");
    for (std::size_t d = 0; d < 2; ++d) {
      const double size = std::floor(static_cast<double>(sizes[2 + d]) * (*scales)[d]);
      if (!(size >= 1 && size <= static_cast<double>(kMaxParameter)))
        call.invalid("scale_factor {} makes {} to {}", (*scales)[d], sizes[2 + d], size);
      sizes[2 + d] = static_cast<std::int64_t>(size);
    }
  }
  return {plain(input.dtype, std::move(sizes))};
}

std::int64_t factor(const Call& call, std::string_view name) {
  const std::int64_t value = call.integer(name);
  if (value < 1 || value > kMaxParameter) call.invalid("{} is {}, accepted are 1 and more", name, value);
  if (call.tensor(0).sizes.size() < 3)
    call.invalid("input {} has {} dimensions, needs 3 or more", to_string(call.tensor(0).sizes),
                 call.tensor(0).sizes.size());
  return value;
}

std::vector<TensorType> pixel_shuffle(const Call& call) {
  const std::int64_t r = factor(call, "upscale_factor");
  Dims sizes = call.tensor(0).sizes;
  const std::size_t channel = sizes.size() - 3;
  if (sizes[channel] % (r * r) != 0)
    call.invalid("the {} channels of {} are no multiple of {}²", sizes[channel], to_string(sizes), r);
  sizes[channel] /= r * r;
  sizes[channel + 1] = call.multiply(sizes[channel + 1], r);
  sizes[channel + 2] = call.multiply(sizes[channel + 2], r);
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

std::vector<TensorType> pixel_unshuffle(const Call& call) {
  const std::int64_t r = factor(call, "downscale_factor");
  Dims sizes = call.tensor(0).sizes;
  const std::size_t channel = sizes.size() - 3;
  if (sizes[channel + 1] % r != 0 || sizes[channel + 2] % r != 0)
    call.invalid("height and width of {} are no multiples of {}", to_string(sizes), r);
  sizes[channel] = call.multiply(sizes[channel], r * r);
  sizes[channel + 1] /= r;
  sizes[channel + 2] /= r;
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

std::vector<TensorType> channel_shuffle(const Call& call) {
  const std::int64_t groups = factor(call, "groups");
  const Dims& sizes = call.tensor(0).sizes;
  if (sizes[1] % groups != 0)
    call.invalid("{} groups do not divide the {} channels of {}", groups, sizes[1], to_string(sizes));
  return {plain(call.tensor(0).dtype, sizes)};
}

std::string_view mode_of(const Call& call) {
  const std::string_view mode = call.text_or("mode", "");
  if (mode != "max" && mode != "avg") call.invalid("mode is \"{}\", accepted are \"max\" and \"avg\"", mode);
  return mode;
}

void need_images(const Call& call) {
  const Dims& sizes = call.tensor(0).sizes;
  if (sizes.size() != 4) call.invalid("input {} has {} dimensions, needs 4", to_string(sizes), sizes.size());
}

/// The core op: ceil_mode is written as padding at the far side, so a window may lie in padding by any amount.
std::vector<TensorType> core_pool(const Call& call) {
  mode_of(call);
  need_images(call);
  const Dims kernel = call.per_dimension("kernel", 2, 1), stride = call.per_dimension("stride", 2, 1);
  const Dims padding = call.per_dimension("padding", 4, 0);
  const Dims dilation = call.has("dilation") ? call.per_dimension("dilation", 2, 1) : Dims{1, 1};
  Dims sizes = call.tensor(0).sizes;
  for (std::size_t d = 0; d < 2; ++d)
    sizes[2 + d] =
        window_count(call, sizes[2 + d], padding[2 * d], padding[2 * d + 1], kernel[d], stride[d], dilation[d]);
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

std::vector<TensorType> core_adaptive_pool(const Call& call) {
  mode_of(call);
  need_images(call);
  return adaptive(call, 2);
}

}  // namespace

std::span<const Entry> pooling_rules() {
  static constexpr Entry kRules[] = {
      {"aten::max_pool1d", pool1d},
      {"aten::avg_pool1d", pool1d},
      {"aten::max_pool2d", pool2d},
      {"aten::avg_pool2d", pool2d},
      {"aten::max_pool2d_with_indices", pool2d_with_indices},
      {"aten::adaptive_avg_pool1d", adaptive1d},
      {"aten::adaptive_avg_pool2d", adaptive2d},
      {"aten::adaptive_max_pool1d", adaptive_max1d},
      {"aten::adaptive_max_pool2d", adaptive_max2d},
      {"aten::upsample_nearest2d", upsample2d},
      {"aten::upsample_bilinear2d", upsample2d},
      {"aten::pixel_shuffle", pixel_shuffle},
      {"aten::pixel_unshuffle", pixel_unshuffle},
      {"aten::channel_shuffle", channel_shuffle},
      {"pool", core_pool},
      {"adaptive_pool", core_adaptive_pool},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
