// Constants made from a short description, so that a graph written as text has weights without carrying them.

#include <charconv>
#include <cmath>
#include <functional>

#include "base/check.h"
#include "ir/text.h"
#include "tensor/elements.h"

namespace wherry::ir::text {
namespace {

constexpr std::string_view kMark = "recipe:";

struct Uniform {
  std::uint64_t seed = 0;
  double low = -1, high = 1;
};

/// The splitmix64 finaliser (Steele, Lea, Flood 2014): element i depends on seed and i alone.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Floating dtypes: uniform in [low, high). Integers: 0 … 9. Bools: 0 and 1.
Tensor fill_uniform(DType dtype, const Dims& sizes, const Uniform& uniform) {
  Tensor tensor = Tensor::empty(dtype, sizes);
  const std::uint64_t start = mix(uniform.seed);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const std::uint64_t bits = mix(start + static_cast<std::uint64_t>(i));
    if (is_floating(dtype)) {
      const double unit = static_cast<double>(bits >> 11) * 0x1p-53;
      tensor::store_double(tensor.mutable_data(), dtype, i, uniform.low + unit * (uniform.high - uniform.low));
    } else {
      tensor::store_int(tensor.mutable_data(), dtype, i,
                        static_cast<std::int64_t>(bits >> 32) % (dtype == DType::boolean ? 2 : 10));
    }
  }
  return tensor;
}

Tensor fill(DType dtype, const Dims& sizes, double value) {
  Tensor tensor = Tensor::empty(dtype, sizes);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor::store_double(tensor.mutable_data(), dtype, i, value);
  return tensor;
}

template <typename T>
bool take_number(std::string_view& text, T& value) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<Uniform> read_uniform(std::string_view text) {
  constexpr std::string_view kOpen = "uniform(";
  if (!text.starts_with(kOpen)) return std::nullopt;
  text.remove_prefix(kOpen.size());
  Uniform uniform;
  if (!take_number(text, uniform.seed)) return std::nullopt;
  if (text.starts_with(",")) {
    text.remove_prefix(1);
    if (!take_number(text, uniform.low) || !text.starts_with(",")) return std::nullopt;
    text.remove_prefix(1);
    if (!take_number(text, uniform.high)) return std::nullopt;
  }
  const bool sound = std::isfinite(uniform.low) && std::isfinite(uniform.high) && uniform.low <= uniform.high;
  return text == ")" && sound ? std::optional(uniform) : std::nullopt;
}

}  // namespace

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '$';
}

std::optional<std::string> normalize_recipe(std::string_view text) {
  if (text == "zeros" || text == "ones") return std::string(text);
  const auto uniform = read_uniform(text);
  if (!uniform) return std::nullopt;
  if (uniform->low == -1 && uniform->high == 1) return fmt::format("uniform({})", uniform->seed);
  return fmt::format("uniform({}, {}, {})", uniform->seed, uniform->low, uniform->high);
}

tensor::LazyTensorPtr make_recipe(std::string_view recipe, DType dtype, const Dims& sizes, int copy) {
  std::function<Tensor()> make;
  if (const auto uniform = read_uniform(recipe)) {
    make = [=] { return fill_uniform(dtype, sizes, *uniform); };
  } else {
    WHERRY_CHECK(recipe == "zeros" || recipe == "ones");
    make = [=, value = recipe == "ones" ? 1.0 : 0.0] { return fill(dtype, sizes, value); };
  }
  auto key = fmt::format("{}{}:{}{}:{}", kMark, recipe, name_of(dtype), to_string(sizes), copy);
  return std::make_shared<tensor::LazyTensor>(std::move(key), dtype, sizes, std::move(make));
}

std::optional<std::string> recipe_of_key(std::string_view key) {
  if (!key.starts_with(kMark)) return std::nullopt;
  key.remove_prefix(kMark.size());
  return std::string(key.substr(0, key.find(':')));
}

tensor::LazyTensorPtr make_stand_in(std::string key, DType dtype, const Dims& sizes) {
  Uniform uniform;
  for (const char c : key) uniform.seed = mix(uniform.seed ^ static_cast<unsigned char>(c));
  return std::make_shared<tensor::LazyTensor>(std::move(key), dtype, sizes,
                                              [=] { return fill_uniform(dtype, sizes, uniform); });
}

}  // namespace wherry::ir::text
