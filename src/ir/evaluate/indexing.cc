// Reads by index. Every index is checked: it may come from a model file.

#include "ir/evaluate/values.h"
#include "tensor/elements.h"

namespace wherry::ir::evaluate_ops {
namespace {

std::int64_t index_at(const Values& values, const Tensor& indices, std::int64_t at, std::int64_t size) {
  return wrap_index(values.call(), tensor::load_int(indices.data(), indices.dtype(), at), size);
}

std::vector<Tensor> index(const Values& values) {
  const Tensor& self = values.input();
  const std::size_t given = values.input_count() - 1;
  Dims together;
  std::ptrdiff_t first = -1, last = -1, count = 0;
  for (std::size_t i = 0; i < given; ++i) {
    const Tensor* indices = values.maybe(1 + i);
    if (!indices) continue;
    together = values.call().broadcast(together, indices->sizes());
    if (first < 0) first = static_cast<std::ptrdiff_t>(i);
    last = static_cast<std::ptrdiff_t>(i);
    ++count;
  }
  if (count == 0) return {self};
  // Where the indices' own dimensions stand in the output.
  const std::size_t place = last - first + 1 == count ? static_cast<std::size_t>(first) : 0;
  return {rearrange(values.output().sizes, self, [&](const Dims& at) {
    std::int64_t offset = 0;
    std::size_t kept = 0;  // output dimension of the next whole input dimension
    for (std::size_t d = 0; d < self.sizes().size(); ++d) {
      const Tensor* indices = d < given ? values.maybe(1 + d) : nullptr;
      if (kept == place) kept += together.size();
      if (!indices) {
        offset += at[kept++] * self.strides()[d];
        continue;
      }
      std::int64_t where = 0;
      const std::size_t lead = together.size() - indices->sizes().size();
      for (std::size_t k = 0; k < indices->sizes().size(); ++k)
        if (indices->sizes()[k] != 1) where += at[place + lead + k] * indices->strides()[k];
      offset += index_at(values, *indices, where, self.sizes()[d]) * self.strides()[d];
    }
    return std::optional(offset);
  })};
}

/// Output dimensions dim … dim + rank(indices) - 1 are the indices' own.
Tensor taken(const Values& values, const Tensor& table, const Tensor& indices, std::size_t dim) {
  const Dims index_strides = contiguous_strides(indices.sizes());
  return rearrange(values.output().sizes, table, [&](const Dims& at) {
    std::int64_t where = 0, offset = 0;
    for (std::size_t k = 0; k < indices.sizes().size(); ++k) where += at[dim + k] * index_strides[k];
    for (std::size_t d = 0; d < table.sizes().size(); ++d) {
      const std::int64_t coordinate = d == dim  ? index_at(values, indices, where, table.sizes()[dim])
                                      : d < dim ? at[d]
                                                : at[d - 1 + indices.sizes().size()];
      offset += coordinate * table.strides()[d];
    }
    return std::optional(offset);
  });
}

std::vector<Tensor> index_select(const Values& values) {
  if (values.input().sizes().empty()) return {values.input()};
  const Tensor& given = values.input(1);
  const Tensor indices = given.view({given.numel()}, {1}, 0);
  return {taken(values, values.input(), indices, values.dimension("dim", 0))};
}

std::vector<Tensor> embedding(const Values& values) { return {taken(values, values.input(), values.input(1), 0)}; }

std::vector<Tensor> core_gather(const Values& values) {
  return {taken(values, values.input(), values.input(1), values.dimension("dim", 0))};
}

/// out[i][j] = self[index[i][j]][j] for dim 0, and so on; sizes of 1 broadcast (take_along_dim).
std::vector<Tensor> gather(const Values& values) {
  const Tensor &self = values.input(), &indices = values.input(1);
  if (!values.call().has("dim"))
    return {rearrange(values.output().sizes, self,
                      [&](const Dims& at) { return std::optional(index_at(values, indices, at[0], self.numel())); })};
  if (self.sizes().empty()) return {self};
  const std::size_t dim = values.dimension("dim", 0);
  const auto bounded = [](const Dims& at, const Tensor& tensor, std::size_t d) {
    return tensor.sizes()[d] == 1 ? 0 : at[d];
  };
  return {rearrange(values.output().sizes, self, [&](const Dims& at) {
    std::int64_t where = 0, offset = 0;
    for (std::size_t d = 0; d < at.size(); ++d) where += bounded(at, indices, d) * indices.strides()[d];
    for (std::size_t d = 0; d < at.size(); ++d)
      offset +=
          (d == dim ? index_at(values, indices, where, self.sizes()[d]) : bounded(at, self, d)) * self.strides()[d];
    return std::optional(offset);
  })};
}

}  // namespace

std::span<const Entry> indexing_evaluators() {
  static constexpr Entry kEntries[] = {
      {"aten::index", index},           {"aten::index_select", index_select}, {"aten::gather", gather},
      {"aten::take_along_dim", gather}, {"aten::embedding", embedding},       {"gather", core_gather},
  };
  return kEntries;
}

}  // namespace wherry::ir::evaluate_ops
