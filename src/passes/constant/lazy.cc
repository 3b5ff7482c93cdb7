#include "passes/constant/lazy.h"

#include <cstring>
#include <mutex>

#include "base/check.h"
#include "passes/constant/evaluate_program.h"
#include "passes/constant/strided_copy.h"

namespace wherry::passes::constant {
namespace {

/// Keys stay short however deep the folding goes.
std::string key_of(const std::string& description) {
  return "folded-" + tensor::content_key(description.data(), description.size());
}

/// `x` read through other sizes and strides.
LazyTensorPtr strided(const LazyTensorPtr& x, Dims sizes, Dims strides, std::int64_t offset) {
  auto key = key_of(fmt::format("strided {} {}+{} {}", to_string(sizes), to_string(strides), offset, x->key()));
  auto make = [x, sizes, strides, offset] {
    Tensor result = materialize(x->get().view(sizes, strides, offset));
    return result;
  };
  return std::make_shared<tensor::LazyTensor>(
      std::move(key), x->dtype(), sizes, std::move(make), [x] { x->release(); },
      [x, sizes, strides, offset] { return x->get().view(sizes, strides, offset); });
}

}  // namespace

LazyTensorPtr remembered(const LazyTensorPtr& x) {
  struct Memory {
    std::once_flag once;
    Tensor value;
  };
  const auto memory = std::make_shared<Memory>();
  return std::make_shared<tensor::LazyTensor>(x->key(), x->dtype(), x->sizes(), [x, memory] {
    std::call_once(memory->once, [&] { memory->value = x->get(); });
    return memory->value;
  });
}

LazyTensorPtr reshape(const LazyTensorPtr& x, const Dims& sizes) {
  WHERRY_CHECK_EQ(element_count(sizes), element_count(x->sizes()));
  if (sizes == x->sizes()) return x;
  return strided(x, sizes, contiguous_strides(sizes), 0);
}

LazyTensorPtr permute(const LazyTensorPtr& x, const Dims& dims) {
  const Dims strides = contiguous_strides(x->sizes());
  Dims new_sizes, new_strides;
  for (const std::int64_t d : dims) {
    new_sizes.push_back(x->sizes()[static_cast<std::size_t>(d)]);
    new_strides.push_back(strides[static_cast<std::size_t>(d)]);
  }
  return strided(x, std::move(new_sizes), std::move(new_strides), 0);
}

LazyTensorPtr slice(const LazyTensorPtr& x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  Dims sizes = x->sizes();
  Dims strides = contiguous_strides(sizes);
  const auto d = static_cast<std::size_t>(dim);
  const std::int64_t offset = start * strides[d];
  sizes[d] = end > start ? (end - start + step - 1) / step : 0;
  strides[d] *= step;
  return strided(x, std::move(sizes), std::move(strides), offset);
}

LazyTensorPtr expand(const LazyTensorPtr& x, const Dims& sizes) {
  const Dims from = contiguous_strides(x->sizes());
  const std::size_t missing = sizes.size() - from.size();
  Dims strides(sizes.size(), 0);
  for (std::size_t d = missing; d < sizes.size(); ++d)
    if (x->sizes()[d - missing] != 1) strides[d] = from[d - missing];
  return strided(x, sizes, std::move(strides), 0);
}

LazyTensorPtr concat(const std::vector<LazyTensorPtr>& xs, std::int64_t dim) {
  WHERRY_CHECK(!xs.empty());
  const auto d = static_cast<std::size_t>(dim);
  Dims sizes = xs[0]->sizes();
  sizes[d] = 0;
  std::string description = fmt::format("concat {}", dim);
  for (const LazyTensorPtr& x : xs) {
    sizes[d] += x->sizes()[d];
    description += " " + x->key() + to_string(x->sizes());
  }
  auto make = [xs, sizes, d] {
    Tensor result = Tensor::empty(xs[0]->dtype(), sizes);
    std::int64_t outer = 1, inner = static_cast<std::int64_t>(size_of(result.dtype()));
    for (std::size_t i = 0; i < d; ++i) outer *= sizes[i];
    for (std::size_t i = d + 1; i < sizes.size(); ++i) inner *= sizes[i];
    std::int64_t at = 0;
    for (const LazyTensorPtr& x : xs) {
      const Tensor part = x->get();
      const std::int64_t run = x->sizes()[d] * inner;
      for (std::int64_t o = 0; o < outer && run > 0; ++o)
        std::memcpy(static_cast<char*>(result.mutable_data()) + o * sizes[d] * inner + at,
                    static_cast<const char*>(part.data()) + o * run, static_cast<std::size_t>(run));
      at += run;
    }
    return result;
  };
  return std::make_shared<tensor::LazyTensor>(key_of(description), xs[0]->dtype(), sizes, std::move(make), [xs] {
    for (const LazyTensorPtr& x : xs) x->release();
  });
}

LazyTensorPtr elementwise(const expression::Program& program, const std::vector<LazyTensorPtr>& operands, DType dtype,
                          const Dims& sizes) {
  std::string description = fmt::format("{} -> {}{}", program.to_string(), name_of(dtype), to_string(sizes));
  for (const LazyTensorPtr& x : operands) description += " " + x->key() + to_string(x->sizes());
  auto make = [program, operands, dtype, sizes] {
    std::vector<Tensor> values;
    for (const LazyTensorPtr& x : operands) values.push_back(x->get());
    return evaluate_program(program, values, dtype, sizes);
  };
  return std::make_shared<tensor::LazyTensor>(key_of(description), dtype, sizes, std::move(make), [operands] {
    for (const LazyTensorPtr& x : operands) x->release();
  });
}

LazyTensorPtr matmul(const LazyTensorPtr& a, const LazyTensorPtr& b, const LazyTensorPtr& bias) {
  const std::int64_t m = a->sizes()[0], k = a->sizes()[1], n = b->sizes()[1];
  WHERRY_CHECK_EQ(k, b->sizes()[0]);
  const std::string description =
      fmt::format("matmul {}x{}x{} {} {} {}", m, k, n, a->key(), b->key(), bias ? bias->key() : "none");
  auto make = [=] {
    const Tensor left = a->get(), right = b->get();
    const auto x = left.values<float>(), y = right.values<float>();
    Tensor result = Tensor::empty(DType::f32, {m, n});
    const auto out = result.mutable_values<float>();
    std::vector<double> row(static_cast<std::size_t>(n));
    const Tensor shift = bias ? bias->get() : Tensor::zeros(DType::f32, {n});
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j)
        row[static_cast<std::size_t>(j)] = shift.values<float>()[static_cast<std::size_t>(j)];
      for (std::int64_t p = 0; p < k; ++p) {
        const double factor = x[static_cast<std::size_t>(i * k + p)];
        for (std::int64_t j = 0; j < n; ++j)
          row[static_cast<std::size_t>(j)] += factor * y[static_cast<std::size_t>(p * n + j)];
      }
      for (std::int64_t j = 0; j < n; ++j)
        out[static_cast<std::size_t>(i * n + j)] = static_cast<float>(row[static_cast<std::size_t>(j)]);
    }
    return result;
  };
  return std::make_shared<tensor::LazyTensor>(key_of(description), DType::f32, Dims{m, n}, std::move(make));
}

}  // namespace wherry::passes::constant
