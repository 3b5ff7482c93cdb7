// Types of the normalisations. Only their evaluation form exists: batch statistics belong to training.

#include <algorithm>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

void need_floating(const Call& call) {
  const DType dtype = call.tensor(0).dtype;
  if (!is_floating(dtype)) call.invalid("input is {}, accepted are floating dtypes", name_of(dtype));
}

/// An optional vector of one number per channel.
void need_channels(const Call& call, std::size_t i, std::string_view what, std::int64_t channels) {
  if (const TensorType* type = call.maybe(i); type && type->sizes != Dims{channels})
    call.invalid("{} {} does not fit input {}: accepted is [{}]", what, to_string(type->sizes),
                 to_string(call.tensor(0).sizes), channels);
}

std::int64_t channels_of(const Call& call) {
  const TensorType& input = call.tensor(0);
  if (input.sizes.size() < 2)
    call.invalid("input {} has {} dimensions, needs 2 or more", to_string(input.sizes), input.sizes.size());
  return input.sizes[1];
}

/// input, weight?, bias?, running_mean?, running_var?
std::vector<TensorType> with_running_statistics(const Call& call, bool from_batch) {
  need_floating(call);
  const std::int64_t channels = channels_of(call);
  need_channels(call, 1, "weight", channels);
  need_channels(call, 2, "bias", channels);
  need_channels(call, 3, "running_mean", channels);
  need_channels(call, 4, "running_var", channels);
  if (!from_batch && (!call.maybe(3) || !call.maybe(4)))
    call.invalid("running_mean and running_var are needed in evaluation");
  const TensorType& input = call.tensor(0);
  return {plain(input.dtype, input.sizes)};
}

std::vector<TensorType> batch_norm(const Call& call) {
  if (call.flag_or("training", false)) call.unsupported("statistics of the batch (training) are not supported");
  return with_running_statistics(call, false);
}

std::vector<TensorType> native_batch_norm(const Call& call) {
  auto types = batch_norm(call);
  const DType dtype = types[0].dtype;
  types.push_back(plain(dtype, {0}));  // evaluation saves no statistics
  types.push_back(plain(dtype, {0}));
  return types;
}

std::vector<TensorType> instance_norm(const Call& call) {
  return with_running_statistics(call, call.flag_or("use_input_stats", true));
}

/// Sizes of the trailing dimensions that are normalised together.
void need_trailing(const Call& call, const Dims& shape) {
  const Dims& sizes = call.tensor(0).sizes;
  const bool fits =
      !shape.empty() && shape.size() <= sizes.size() && std::equal(shape.rbegin(), shape.rend(), sizes.rbegin());
  if (!fits) call.invalid("input {} does not end in normalized_shape {}", to_string(sizes), to_string(shape));
  for (const std::size_t i : {1u, 2u})
    if (const TensorType* type = call.maybe(i); type && type->sizes != shape)
      call.invalid("{} {} must be of normalized_shape {}", i == 1 ? "weight" : "bias", to_string(type->sizes),
                   to_string(shape));
}

std::vector<TensorType> layer_norm(const Call& call) {
  need_floating(call);
  need_trailing(call, call.integers("normalized_shape"));
  const TensorType& input = call.tensor(0);
  return {plain(input.dtype, input.sizes)};
}

std::vector<TensorType> native_layer_norm(const Call& call) {
  auto types = layer_norm(call);
  Dims statistics = types[0].sizes;
  for (std::size_t i = statistics.size() - call.integers("normalized_shape").size(); i < statistics.size(); ++i)
    statistics[i] = 1;
  types.push_back(plain(types[0].dtype, statistics));
  types.push_back(plain(types[0].dtype, statistics));
  return types;
}

void need_groups(const Call& call, std::int64_t groups) {
  need_floating(call);
  const std::int64_t channels = channels_of(call);
  if (groups < 1 || channels % groups != 0)
    call.invalid("{} groups do not divide the {} channels of {}", groups, channels, to_string(call.tensor(0).sizes));
  need_channels(call, 1, "weight", channels);
  need_channels(call, 2, "bias", channels);
}

std::vector<TensorType> group_norm(const Call& call) {
  need_groups(call, call.integer("num_groups"));
  return {plain(call.tensor(0).dtype, call.tensor(0).sizes)};
}

std::vector<TensorType> native_group_norm(const Call& call) {
  const std::int64_t groups = call.integer("group");
  need_groups(call, groups);
  const TensorType& input = call.tensor(0);
  const Dims statistics = {input.sizes[0], groups};
  return {plain(input.dtype, input.sizes), plain(input.dtype, statistics), plain(input.dtype, statistics)};
}

std::vector<TensorType> core_layer_norm(const Call& call) {
  need_floating(call);
  const TensorType& input = call.tensor(0);
  const std::int64_t dims = call.integer("dims");
  if (dims < 1 || dims > rank(input)) call.invalid("dims is {}, accepted are 1 to {}", dims, rank(input));
  need_trailing(call, Dims(input.sizes.end() - dims, input.sizes.end()));
  return {plain(input.dtype, input.sizes)};
}

std::vector<TensorType> core_group_norm(const Call& call) {
  need_groups(call, call.integer("groups"));
  return {plain(call.tensor(0).dtype, call.tensor(0).sizes)};
}

}  // namespace

std::span<const Entry> normalisation_rules() {
  static constexpr Entry kRules[] = {
      {"aten::batch_norm", batch_norm},
      {"aten::native_batch_norm", native_batch_norm},
      {"aten::_native_batch_norm_legit_no_training", native_batch_norm},
      {"aten::instance_norm", instance_norm},
      {"aten::layer_norm", layer_norm},
      {"aten::rms_norm", layer_norm},
      {"aten::native_layer_norm", native_layer_norm},
      {"aten::group_norm", group_norm},
      {"aten::native_group_norm", native_group_norm},
      {"layer_norm", core_layer_norm},
      {"group_norm", core_group_norm},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
