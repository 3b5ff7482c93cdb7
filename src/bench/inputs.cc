// Numbers that depend on the seed and their position only: splitmix64 and Box and Muller's transform.

#include "bench/inputs.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace wherry::bench {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed << 32) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// In (0, 1].
  double uniform() { return static_cast<double>((bits() >> 11) + 1) * 0x1p-53; }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
};

Tensor random_input(const TensorInfo& info, Random& random) {
  WHERRY_CHECK(info.dtype && info.sizes);
  const DType dtype = *info.dtype;
  Tensor values = Tensor::empty(DType::f32, *info.sizes);
  const bool mask = dtype == DType::boolean || info.name.find("mask") != std::string::npos;
  const bool type = info.name.find("type") != std::string::npos;
  // As float, integers are exact to here.
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  const auto limit = static_cast<std::uint64_t>(info.values          ? std::clamp<std::int64_t>(*info.values, 1, kMost)
                                                : dtype == DType::u8 ? 256
                                                                     : 100);
  for (float& value : values.mutable_values<float>()) {
    if (is_floating(dtype))
      value = static_cast<float>(random.normal());
    else if (mask || type)
      value = mask ? 1 : 0;
    else
      value = static_cast<float>(random.bits() % limit);
  }
  return dtype == DType::f32 ? values : values.to(dtype);
}

}  // namespace

std::vector<Tensor> random_inputs(const std::vector<TensorInfo>& inputs, std::uint64_t seed) {
  Random random(seed);
  std::vector<Tensor> tensors;
  for (const TensorInfo& info : inputs) tensors.push_back(random_input(info, random));
  return tensors;
}

}  // namespace wherry::bench
