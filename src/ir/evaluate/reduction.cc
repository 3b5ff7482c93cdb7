// Reductions and cumsum. Integers are exact (and wrap); floating sums are accumulated in double.

#include <cmath>
#include <limits>
#include <type_traits>

#include "ir/evaluate/values.h"
#include "tensor/elements.h"

namespace wherry::ir::evaluate_ops {
namespace {

/// Calls visit(output position, input position, place among its output's elements in order) for each element.
template <typename Visit>
void for_each_element(const Dims& sizes, const Dims& dims, Visit visit) {
  const Dims out_strides = contiguous_strides(infer::reduced(sizes, dims, true));
  std::vector<bool> gone(sizes.size(), false);
  for (const std::int64_t dim : dims) gone[static_cast<std::size_t>(dim)] = true;
  std::int64_t next = 0;
  for_each_index(sizes, [&](const Dims& index) {
    std::int64_t out = 0, place = 0;
    for (std::size_t d = 0; d < index.size(); ++d) {
      if (gone[d])
        place = place * sizes[d] + index[d];
      else
        out += index[d] * out_strides[d];
    }
    visit(out, next++, place);
  });
}

enum class Mode { sum, mean, prod, max, min, argmax, argmin, any, all };

template <typename T>
T combine(Mode mode, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if ((mode == Mode::max || mode == Mode::min) && (std::isnan(a) || std::isnan(b)))
      return std::numeric_limits<T>::quiet_NaN();
  }
  using Wrapping = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;
  switch (mode) {
    case Mode::sum:
    case Mode::mean: return static_cast<T>(static_cast<Wrapping>(a) + static_cast<Wrapping>(b));
    case Mode::prod: return static_cast<T>(static_cast<Wrapping>(a) * static_cast<Wrapping>(b));
    case Mode::max: return a < b ? b : a;
    case Mode::min: return b < a ? b : a;
    case Mode::any: return a != 0 || b != 0;
    case Mode::all: return a != 0 && b != 0;
    default: return a;
  }
}

template <typename T>
T first_value(Mode mode) {
  return mode == Mode::prod || mode == Mode::all ? T{1} : T{0};
}

template <typename T, typename Load, typename Store>
void reduce(Mode mode, const Tensor& input, const Dims& dims, std::int64_t outputs, Load load, Store store) {
  const bool extreme = mode == Mode::max || mode == Mode::min;
  const bool position = mode == Mode::argmax || mode == Mode::argmin;
  std::vector<T> results(static_cast<std::size_t>(outputs), first_value<T>(mode));
  std::vector<std::int64_t> places(static_cast<std::size_t>(outputs), 0), counts(static_cast<std::size_t>(outputs), 0);
  for_each_element(input.sizes(), dims, [&](std::int64_t out, std::int64_t in, std::int64_t place) {
    const auto at = static_cast<std::size_t>(out);
    const T value = load(in);
    const bool first = counts[at]++ == 0;
    if (position) {
      bool better = first || (mode == Mode::argmax ? value > results[at] : value < results[at]);
      if constexpr (std::is_floating_point_v<T>)
        better = first || (!std::isnan(results[at]) && (better || std::isnan(value)));  // NaN wins, the first one
      if (!better) return;
      results[at] = value;
      places[at] = place;
    } else {
      results[at] = first && extreme ? value : combine<T>(mode, results[at], value);
    }
  });
  for (std::size_t i = 0; i < results.size(); ++i)
    store(static_cast<std::int64_t>(i), results[i], places[i], counts[i]);
}

Tensor reduce(Mode mode, const Tensor& given, const Dims& dims, const TensorType& output) {
  // "mean of float16" and "sum of int32 as float32" work in the output's kind of number.
  const bool floating =
      is_floating(given.dtype()) || (is_floating(output.dtype) && mode != Mode::argmax && mode != Mode::argmin);
  Tensor result = Tensor::empty(output.dtype, output.sizes);
  void* data = result.mutable_data();
  const bool position = mode == Mode::argmax || mode == Mode::argmin;
  if (floating) {
    reduce<double>(
        mode, given, dims, result.numel(),
        [&](std::int64_t at) { return tensor::load_double(given.data(), given.dtype(), at); },
        [&](std::int64_t at, double value, std::int64_t place, std::int64_t count) {
          if (position) return tensor::store_int(data, output.dtype, at, place);
          tensor::store_double(data, output.dtype, at, mode == Mode::mean ? value / static_cast<double>(count) : value);
        });
  } else {
    reduce<std::int64_t>(
        mode, given, dims, result.numel(),
        [&](std::int64_t at) { return tensor::load_int(given.data(), given.dtype(), at); },
        [&](std::int64_t at, std::int64_t value, std::int64_t place, std::int64_t) {
          tensor::store_int(data, output.dtype, at, position ? place : value);
        });
  }
  return result;
}

template <Mode mode>
std::vector<Tensor> reduction(const Values& values) {
  const infer::Call& call = values.call();
  return {reduce(mode, values.input(), call.dimensions("dim", call.tensor(0)), values.output())};
}

/// max and min with `dim` also say where.
template <Mode mode, Mode position>
std::vector<Tensor> extreme(const Values& values) {
  std::vector<Tensor> results = reduction<mode>(values);
  const infer::Call& call = values.call();
  if (call.has("dim")) {
    const TensorType type = infer::plain(DType::i64, values.output().sizes);
    results.push_back(reduce(position, values.input(), call.dimensions("dim", call.tensor(0)), type));
  }
  return results;
}

std::vector<Tensor> cumsum(const Values& values) {
  const TensorType& type = values.output();
  const Tensor input = values.input().to(type.dtype);
  Tensor result = Tensor::empty(type.dtype, type.sizes);
  if (type.sizes.empty()) return {input};
  const std::size_t dim = values.dimension("dim", 0);
  const std::int64_t stride = contiguous_strides(type.sizes)[dim];
  const bool floating = is_floating(type.dtype);
  std::vector<double> running;
  if (floating) running.resize(static_cast<std::size_t>(result.numel()));
  std::int64_t next = 0;
  for_each_index(type.sizes, [&](const Dims& index) {
    const std::int64_t at = next++;
    const bool first = index[dim] == 0;
    if (floating) {
      double& sum = running[static_cast<std::size_t>(at)];
      sum = tensor::load_double(input.data(), type.dtype, at) +
            (first ? 0 : running[static_cast<std::size_t>(at - stride)]);
      tensor::store_double(result.mutable_data(), type.dtype, at, sum);
    } else {
      const auto before = first ? 0 : tensor::load_int(result.data(), type.dtype, at - stride);
      const auto sum = static_cast<std::uint64_t>(tensor::load_int(input.data(), type.dtype, at)) +
                       static_cast<std::uint64_t>(before);
      tensor::store_int(result.mutable_data(), type.dtype, at, static_cast<std::int64_t>(sum));
    }
  });
  return {std::move(result)};
}

std::vector<Tensor> core_reduce(const Values& values) {
  constexpr std::pair<std::string_view, Mode> kModes[] = {
      {"sum", Mode::sum},       {"mean", Mode::mean},     {"prod", Mode::prod}, {"max", Mode::max}, {"min", Mode::min},
      {"argmax", Mode::argmax}, {"argmin", Mode::argmin}, {"any", Mode::any},   {"all", Mode::all},
  };
  const infer::Call& call = values.call();
  const Dims dims = call.integers("dims").empty() ? Dims{} : call.dimensions("dims", call.tensor(0));
  for (const auto& [name, mode] : kModes)
    if (name == call.text_or("mode", "")) return {reduce(mode, values.input(), dims, values.output())};
  call.invalid("mode is unknown");
}

}  // namespace

std::span<const Entry> reduction_evaluators() {
  static constexpr Entry kEntries[] = {
      {"aten::sum", reduction<Mode::sum>},
      {"aten::mean", reduction<Mode::mean>},
      {"aten::prod", reduction<Mode::prod>},
      {"aten::amax", reduction<Mode::max>},
      {"aten::amin", reduction<Mode::min>},
      {"aten::max", extreme<Mode::max, Mode::argmax>},
      {"aten::min", extreme<Mode::min, Mode::argmin>},
      {"aten::argmax", reduction<Mode::argmax>},
      {"aten::argmin", reduction<Mode::argmin>},
      {"aten::any", reduction<Mode::any>},
      {"aten::all", reduction<Mode::all>},
      {"aten::cumsum", cumsum},
      {"reduce", core_reduce},
  };
  return kEntries;
}

}  // namespace wherry::ir::evaluate_ops
