// Types of convolutions, with one or two spatial dimensions.

#include <algorithm>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

struct Geometry {
  Dims stride, before, after, dilation;
  std::int64_t groups = 1;
};

/// [N, C, spatial...] or unbatched [C, spatial...] with a weight [O, C / groups, kernel...] and a bias [O].
std::vector<TensorType> convolve(const Call& call, const Geometry& geometry) {
  const TensorType& input = call.tensor(0);
  const TensorType& weight = call.tensor(1);
  const std::size_t spatial = weight.sizes.size() - 2;
  if (input.sizes.size() != spatial + 2 && input.sizes.size() != spatial + 1)
    call.invalid("input {} does not fit weight {}: it needs {} dimensions, or {} without a batch",
                 to_string(input.sizes), to_string(weight.sizes), spatial + 2, spatial + 1);
  const std::size_t lead = input.sizes.size() - spatial - 1;  // 1 with a batch
  const std::int64_t channels = input.sizes[lead];
  const std::int64_t outputs = weight.sizes[0];
  if (geometry.groups < 1 || geometry.groups > kMaxParameter)
    call.invalid("groups is {}, accepted are 1 and more", geometry.groups);
  const std::int64_t wanted = call.multiply(weight.sizes[1], geometry.groups);
  if (channels != wanted)
    call.invalid("input {} has {} channels, weight {} needs {}", to_string(input.sizes), channels,
                 to_string(weight.sizes), wanted);
  if (outputs % geometry.groups != 0)
    call.invalid("weight {} has {} filters, which {} groups do not divide", to_string(weight.sizes), outputs,
                 geometry.groups);
  if (const TensorType* bias = call.maybe(2); bias && bias->sizes != Dims{outputs})
    call.invalid("bias {} does not fit weight {}: accepted is [{}]", to_string(bias->sizes), to_string(weight.sizes),
                 outputs);
  Dims sizes(input.sizes.begin(), input.sizes.begin() + static_cast<std::ptrdiff_t>(lead));
  sizes.push_back(outputs);
  for (std::size_t d = 0; d < spatial; ++d) {
    const std::int64_t kernel = weight.sizes[2 + d];
    if (kernel < 1 || kernel > kMaxParameter)
      call.invalid("weight {} has a kernel of {}", to_string(weight.sizes), kernel);
    sizes.push_back(window_count(call, input.sizes[lead + 1 + d], geometry.before[d], geometry.after[d], kernel,
                                 geometry.stride[d], geometry.dilation[d]));
  }
  if (!is_floating(input.dtype) || weight.dtype != input.dtype)
    call.invalid("input is {} and weight is {}: they must be one floating dtype", name_of(input.dtype),
                 name_of(weight.dtype));
  return {plain(input.dtype, std::move(sizes))};
}

std::size_t spatial_rank(const Call& call, std::size_t wanted) {
  const TensorType& weight = call.tensor(1);
  if (weight.sizes.size() < 3 || (wanted != 0 && weight.sizes.size() != wanted + 2))
    call.invalid("weight {} has {} dimensions, needs {}", to_string(weight.sizes), weight.sizes.size(),
                 wanted ? wanted + 2 : 4);
  return weight.sizes.size() - 2;
}

std::vector<TensorType> convolution(const Call& call, std::size_t rank) {
  const std::size_t spatial = spatial_rank(call, rank);
  Geometry geometry;
  geometry.stride = call.per_dimension("stride", spatial, 1);
  geometry.dilation = call.per_dimension("dilation", spatial, 1);
  geometry.groups = call.integer_or("groups", 1);
  const Attribute* padding = call.find("padding");
  if (const auto* mode = padding ? std::get_if<std::string>(padding) : nullptr) {
    geometry.before.assign(spatial, 0);
    geometry.after.assign(spatial, 0);
    if (*mode == "same") {
      // PyTorch puts the odd element behind.
      for (std::size_t d = 0; d < spatial; ++d) {
        if (geometry.stride[d] != 1) call.invalid("padding \"same\" needs stride 1, found {}", geometry.stride[d]);
        const std::int64_t kernel = call.tensor(1).sizes[2 + d];
        if (kernel < 1 || kernel > kMaxParameter) call.invalid("the kernel is {}", kernel);
        const std::int64_t total = geometry.dilation[d] * (kernel - 1);
        geometry.before[d] = total / 2;
        geometry.after[d] = total - total / 2;
      }
    } else if (*mode != "valid") {
      call.invalid("padding is \"{}\", accepted are \"same\", \"valid\" and numbers", *mode);
    }
  } else {
    geometry.before = geometry.after = call.per_dimension("padding", spatial, 0);
  }
  return convolve(call, geometry);
}

std::vector<TensorType> conv1d(const Call& call) { return convolution(call, 1); }
std::vector<TensorType> conv2d(const Call& call) { return convolution(call, 2); }

std::vector<TensorType> any_convolution(const Call& call) {
  if (call.flag_or("transposed", false)) call.unsupported("transposed convolution is not supported");
  if (spatial_rank(call, 0) > 2)
    call.unsupported("convolution over {} dimensions is not supported", spatial_rank(call, 0));
  return convolution(call, 0);
}

/// The core op: 2-d, padding (top, bottom, left, right), operands of the epilogue behind the bias.
std::vector<TensorType> core_convolution(const Call& call) {
  const std::size_t spatial = spatial_rank(call, 2);
  Geometry geometry;
  geometry.stride = call.per_dimension("stride", spatial, 1);
  geometry.dilation = call.per_dimension("dilation", spatial, 1);
  geometry.groups = call.integer_or("groups", 1);
  const Dims padding = call.per_dimension("padding", 2 * spatial, 0);
  geometry.before = {padding[0], padding[2]};
  geometry.after = {padding[1], padding[3]};
  if (call.tensor(0).sizes.size() != 4)
    call.invalid("input {} has {} dimensions, needs 4", to_string(call.tensor(0).sizes), call.tensor(0).sizes.size());
  auto types = convolve(call, geometry);
  for (std::size_t i = 3; i < call.input_count(); ++i)
    if (call.maybe(i) && call.broadcast(types[0].sizes, call.maybe(i)->sizes) != types[0].sizes)
      call.invalid("epilogue operand {} does not broadcast to {}", to_string(call.maybe(i)->sizes),
                   to_string(types[0].sizes));
  return types;
}

}  // namespace

std::span<const Entry> convolution_rules() {
  static constexpr Entry kRules[] = {
      {"aten::conv1d", conv1d},
      {"aten::conv2d", conv2d},
      {"aten::convolution", any_convolution},
      {"aten::_convolution", any_convolution},
      {"aten::_convolution_mode", any_convolution},
      {"convolution", core_convolution},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
