// Batch norms are what makes this need thought: left at mean 0 and variance 1, a residual network doubles its signal
// every block and a deep one overflows bf16's usefulness long before its end. So mean and variance are followed through
// the graph, op by op, and each batch norm divides by what reaches it.

#include "import/architectures/random_weights.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/check.h"

namespace wherry::import {
namespace {

/// Of a value's elements, over weights and images.
struct Moments {
  double mean = 0;
  double variance = 1;
  double square() const { return mean * mean + variance; }
};

/// E[f] and Var[f] over a normal distribution, by the midpoint rule over ±4 standard deviations.
template <typename F>
Moments through(const F& f, const Moments& x) {
  constexpr int kSteps = 64;
  constexpr double kReach = 4;
  double weights = 0, sum = 0, squares = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double z = (2 * (i + 0.5) / kSteps - 1) * kReach;
    const double weight = std::exp(-z * z / 2);
    const double y = f(x.mean + z * std::sqrt(x.variance));
    weights += weight;
    sum += weight * y;
    squares += weight * y * y;
  }
  const double mean = sum / weights;
  return {mean, squares / weights - mean * mean};
}

double relu(double x) { return std::max(x, 0.0); }
double hardsigmoid(double x) { return std::clamp(x / 6 + 0.5, 0.0, 1.0); }

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// The share of a convolution's taps that fall on the image rather than on its zero padding, along one dimension.
double coverage(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  std::int64_t inside = 0;
  for (std::int64_t o = 0; o < out; ++o) {
    const std::int64_t first = o * stride - padding;
    inside += std::min(first + kernel, in) - std::max<std::int64_t>(first, 0);
  }
  return static_cast<double>(inside) / static_cast<double>(out * kernel);
}

class Initialiser {
 public:
  Initialiser(StateDict& weights, std::uint64_t seed) : weights_(weights), seed_(seed) {}

  void visit(const ir::Node& node) {
    const std::string& op = node.op();
    const Moments x = moments(node.input(0));
    Moments& y = moments_[node.output()];
    if (op == "aten::conv2d" || op == "aten::linear") {
      y = {0, product(node, x)};
    } else if (op == "aten::batch_norm") {
      y = batch_norm(node, x);
    } else if (op == "aten::relu") {
      y = through(relu, x);
    } else if (op == "aten::relu6") {
      y = through([](double v) { return std::min(relu(v), 6.0); }, x);
    } else if (op == "aten::hardswish") {
      y = through([](double v) { return v * hardsigmoid(v); }, x);
    } else if (op == "aten::hardsigmoid") {
      y = through(hardsigmoid, x);
    } else if (op == "aten::add") {
      const Moments other = moments(node.input(1));
      y = {x.mean + other.mean, x.variance + other.variance};
    } else if (op == "aten::mul") {
      const Moments other = moments(node.input(1));
      const double mean = x.mean * other.mean;
      y = {mean, x.square() * other.square() - mean * mean};
    } else if (op == "aten::cat") {
      y = mixture(node);
    } else if (op == "aten::max_pool2d") {
      // A window's largest lies about one deviation above the mean: neighbours are much alike.
      y = {x.mean + std::sqrt(x.variance), x.variance};
    } else {
      y = x;  // views; averages, whose neighbours are much alike too
    }
  }

 private:
  Moments moments(const ir::Value* value) const {
    const auto found = moments_.find(value);
    return found == moments_.end() ? Moments{} : found->second;
  }

  /// Draws the weights of a convolution or linear layer; the variance of its output.
  double product(const ir::Node& node, const Moments& x) {
    const Dims& sizes = node.input(1)->type().sizes;
    double fan_in = 1, share = 1;
    for (std::size_t d = 1; d < sizes.size(); ++d) fan_in *= static_cast<double>(sizes[d]);
    if (node.op() == "aten::conv2d") {
      for (std::size_t d = 0; d < 2; ++d)
        share *= coverage(node.input(0)->type().sizes[d + 2], node.output()->type().sizes[d + 2], sizes[d + 2],
                          node.integers("stride")[d], node.integers("padding")[d]);
    }
    constexpr double kGain = 2, kBias = 0.05;
    const double variance = kGain * share * x.square();
    const double bound = std::sqrt(3 * kGain / fan_in);
    draw(node.input(1), -bound, bound);
    if (node.input(2) != nullptr) draw(node.input(2), -kBias * std::sqrt(variance), kBias * std::sqrt(variance));
    return variance;
  }

  Moments batch_norm(const ir::Node& node, const Moments& x) {
    constexpr double kSpread = 0.2, kShift = 0.1;
    const double deviation = std::sqrt(x.variance);
    draw(node.input(1), 1 - kSpread, 1 + kSpread);
    draw(node.input(2), -kShift, kShift);
    draw(node.input(3), x.mean - kShift * deviation, x.mean + kShift * deviation);
    draw(node.input(4), (1 - kSpread) * x.variance, (1 + kSpread) * x.variance);
    // E[scale²] · E[1 / variance] and the two shifts: 3 % more than 1, which a hundred layers would not forget.
    const double scale2 = 1 + kSpread * kSpread / 3, inverse = std::log((1 + kSpread) / (1 - kSpread)) / (2 * kSpread);
    const double shift2 = kShift * kShift / 3;
    return {0, scale2 * inverse * (1 + shift2) + shift2};
  }

  /// Of parts side by side, each counted by its channels.
  Moments mixture(const ir::Node& node) const {
    double channels = 0, mean = 0, square = 0;
    for (const ir::Value* part : node.inputs()) {
      const auto count = static_cast<double>(part->type().sizes.at(1));
      const Moments moments_of_part = moments(part);
      channels += count;
      mean += count * moments_of_part.mean;
      square += count * moments_of_part.square();
    }
    mean /= channels;
    return {mean, square / channels - mean * mean};
  }

  /// An entry whose elements are uniform in [low, high).
  void draw(const ir::Value* parameter, double low, double high) {
    const std::string& name = parameter->name();
    const Dims& sizes = parameter->type().sizes;
    const std::uint64_t stream = splitmix64(seed_) ^ hash_of(name);
    const auto make = [sizes, stream, low, high] {
      Tensor tensor = Tensor::empty(DType::f32, sizes);
      std::uint64_t i = 0;
      for (float& value : tensor.mutable_values<float>())
        value =
            static_cast<float>(low + (high - low) * (static_cast<double>(splitmix64(stream + i++) >> 40) * 0x1p-24));
      return tensor;
    };
    weights_.index.emplace(name, weights_.entries.size());
    weights_.entries.emplace_back(name,
                                  std::make_shared<tensor::LazyTensor>("random " + name, DType::f32, sizes, make));
  }

  StateDict& weights_;
  const std::uint64_t seed_;
  std::unordered_map<const ir::Value*, Moments> moments_;
};

}  // namespace

StateDict random_weights(const Architecture& architecture, std::uint64_t seed) {
  ir::Graph graph;
  const StateDict none;
  ModuleRecorder layers(graph, none);
  architecture.record(layers, graph.add_input("image", {DType::f32, {1, 3, 224, 224}, {}}));
  StateDict weights;
  weights.path = architecture.name + " with random weights";
  Initialiser initialiser(weights, seed);
  for (const ir::Node* node : graph.nodes()) initialiser.visit(*node);
  WHERRY_CHECK(differences(architecture, weights).empty());
  return weights;
}

}  // namespace wherry::import
