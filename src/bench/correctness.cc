// The reference runs image by image, since a batch of 32 would keep the scalar kernels busy for minutes.

#include "bench/correctness.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace wherry::bench {
namespace {

constexpr double kLeastCosine = 0.99;  // torchbench's

/// The size that all tensors share as their first; empty where they do not.
std::optional<std::int64_t> batch_of(std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  std::optional<std::int64_t> batch;
  for (const auto tensors : {inputs, outputs}) {
    for (const Tensor& tensor : tensors) {
      if (tensor.dim() == 0 || tensor.sizes()[0] != batch.value_or(tensor.sizes()[0])) return std::nullopt;
      batch = tensor.sizes()[0];
    }
  }
  return batch;
}

std::vector<Tensor> image_of(std::span<const Tensor> tensors, std::int64_t image) {
  std::vector<Tensor> images;
  for (const Tensor& tensor : tensors) {
    Dims sizes = tensor.sizes();
    sizes[0] = 1;
    images.push_back(tensor.view(std::move(sizes), tensor.strides(), image * tensor.strides()[0]).contiguous());
  }
  return images;
}

bool same_sizes(std::span<const Tensor> a, std::span<const Tensor> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return x.sizes() == y.sizes(); });
}

/// The model's answer for one image; empty where it does not take them one by one (a traced model may have written its
/// batch size into a view).
std::optional<std::vector<Tensor>> alone(const Model& model, const std::vector<Tensor>& image,
                                         std::span<const Tensor> like) {
  try {
    std::vector<Tensor> outputs = model.run(image);
    if (same_sizes(outputs, like)) return outputs;
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace

Rule rule_for(std::string_view precision, bool prefer_cosine) {
  return prefer_cosine || precision == "bf16" ? Rule::cosine : Rule::all_close;
}

std::string describe(Rule rule, const Tolerance& tolerance) {
  if (rule == Rule::cosine) return fmt::format("cosine similarity of {} or more", kLeastCosine);
  return fmt::format("allclose, atol {}, rtol {}", tolerance.absolute, tolerance.relative);
}

Correctness check(const Load& load, const Options& options, std::span<const Tensor> inputs,
                  std::span<const std::vector<Tensor>> rounds, const CheckSettings& settings,
                  const std::function<void(std::int64_t, std::int64_t)>& on_image) {
  WHERRY_CHECK(!rounds.empty());
  Options scalar = options;
  scalar.isa = "scalar";
  scalar.precision = Precision::fp32;
  scalar.winograd = scalar.strassen = false;
  const Model reference = load(scalar);

  Correctness result;
  const auto whole_batch = [&] {
    result.agreement = {};
    if (on_image) on_image(0, 1);
    const std::vector<Tensor> expected = reference.run(inputs);
    for (const auto& round : rounds) compare(round, expected, settings.tolerance, result.agreement);
  };
  const auto batch = batch_of(inputs, rounds[0]);
  result.images = batch.value_or(1);
  if (!batch || *batch <= 1) {
    whole_batch();
  } else {
    result.images = std::min(*batch, settings.most_images);
    for (std::int64_t image = 0; image < result.images; ++image) {
      if (on_image) on_image(image, result.images);
      const auto expected = alone(reference, image_of(inputs, image), image_of(rounds[0], image));
      if (!expected) {
        result.images = *batch;
        whole_batch();
        break;
      }
      for (const auto& round : rounds) compare(image_of(round, image), *expected, settings.tolerance, result.agreement);
    }
  }
  result.passed = settings.rule == Rule::cosine ? result.agreement.cosine >= kLeastCosine : result.agreement.all_close;
  return result;
}

}  // namespace wherry::bench
