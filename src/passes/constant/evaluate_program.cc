// One instruction at a time over a chunk of a row, so the common ones are loops a compiler vectorises; the others go
// through expression::evaluate element by element.

#include "passes/constant/evaluate_program.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "tensor/elements.h"

namespace wherry::passes::constant {
namespace {

using expression::Compute;
using expression::Instruction;
using expression::Opcode;
using expression::Program;

constexpr std::int64_t kChunk = 512;

/// The output's rows and, for each operand, its strides broadcast to the output; mergeable dimensions merged.
struct Walk {
  Dims sizes;
  std::vector<Dims> strides;
};

Walk plan_walk(std::span<const Tensor> operands, const Dims& sizes) {
  std::vector<Dims> full;
  for (const Tensor& operand : operands) {
    const std::size_t missing = sizes.size() - operand.sizes().size();
    Dims strides(sizes.size(), 0);
    for (std::size_t d = missing; d < sizes.size(); ++d)
      strides[d] = operand.sizes()[d - missing] == 1 ? 0 : operand.strides()[d - missing];
    full.push_back(std::move(strides));
  }
  Walk walk{{}, std::vector<Dims>(operands.size())};
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 1) continue;
    bool merge = !walk.sizes.empty();
    for (std::size_t k = 0; k < full.size() && merge; ++k) merge = walk.strides[k].back() == full[k][d] * sizes[d];
    if (merge)
      walk.sizes.back() *= sizes[d];
    else
      walk.sizes.push_back(sizes[d]);
    for (std::size_t k = 0; k < full.size(); ++k) {
      if (merge)
        walk.strides[k].back() = full[k][d];
      else
        walk.strides[k].push_back(full[k][d]);
    }
  }
  if (walk.sizes.empty()) {
    walk.sizes = {1};
    for (Dims& strides : walk.strides) strides = {0};
  }
  return walk;
}

template <typename T>
void load(T* to, const Tensor& tensor, std::int64_t at, std::int64_t stride, std::int64_t count) {
  if constexpr (std::is_same_v<T, float>) {
    if (tensor.dtype() == DType::f32) {
      const float* from = static_cast<const float*>(tensor.data()) + at;
      if (stride == 0)
        std::fill(to, to + count, *from);
      else
        for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
      return;
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, std::int64_t>)
      to[i] = tensor::load_int(tensor.data(), tensor.dtype(), at + i * stride);
    else
      to[i] = static_cast<T>(tensor::load_double(tensor.data(), tensor.dtype(), at + i * stride));
  }
}

template <typename T>
void store(Tensor& tensor, const T* from, std::int64_t at, std::int64_t count) {
  if constexpr (std::is_same_v<T, float>) {
    if (tensor.dtype() == DType::f32) {
      std::memcpy(static_cast<float*>(tensor.mutable_data()) + at, from,
                  static_cast<std::size_t>(count) * sizeof(float));
      return;
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, std::int64_t>)
      tensor::store_int(tensor.mutable_data(), tensor.dtype(), at + i, from[i]);
    else
      tensor::store_double(tensor.mutable_data(), tensor.dtype(), at + i, static_cast<double>(from[i]));
  }
}

template <typename T>
void step(const Instruction& it, Compute compute, T* out, const T* a, const T* b, const T* c, std::int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    switch (it.opcode) {
      case Opcode::constant: std::fill(out, out + n, static_cast<T>(it.immediate)); return;
      case Opcode::add:
        for (std::int64_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
        return;
      case Opcode::sub:
        for (std::int64_t i = 0; i < n; ++i) out[i] = a[i] - b[i];
        return;
      case Opcode::mul:
        for (std::int64_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
        return;
      case Opcode::div:
        for (std::int64_t i = 0; i < n; ++i) out[i] = a[i] / b[i];
        return;
      case Opcode::neg:
        for (std::int64_t i = 0; i < n; ++i) out[i] = -a[i];
        return;
      case Opcode::sqrt:
        for (std::int64_t i = 0; i < n; ++i) out[i] = std::sqrt(a[i]);
        return;
      default: break;
    }
  }
  const int arity = expression::info(it.opcode).arity;
  const auto second = static_cast<std::uint8_t>(arity > 1 ? 1 : 0),
             third = static_cast<std::uint8_t>(arity > 2 ? 2 : 0);
  expression::Evaluator single(Program{compute, arity, {{it.opcode, 0, second, third, it.immediate}}});
  using Wide = std::conditional_t<std::is_same_v<T, std::int64_t>, std::int64_t, double>;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::array<Wide, 3> values = {arity > 0 ? static_cast<Wide>(a[i]) : Wide{},
                                        arity > 1 ? static_cast<Wide>(b[i]) : Wide{},
                                        arity > 2 ? static_cast<Wide>(c[i]) : Wide{}};
    out[i] = static_cast<T>(single(std::span<const Wide>(values.data(), static_cast<std::size_t>(arity))));
  }
}

template <typename T>
void run(const Program& program, std::span<const Tensor> operands, Tensor& result, const Walk& walk) {
  std::vector<T> registers(static_cast<std::size_t>(program.registers()) * kChunk);
  const auto reg = [&](int i) { return registers.data() + static_cast<std::size_t>(i) * kChunk; };
  const std::size_t inner = walk.sizes.size() - 1;
  Dims index(walk.sizes.size(), 0);
  std::int64_t written = 0;
  for (;;) {
    for (std::int64_t begin = 0; begin < walk.sizes[inner]; begin += kChunk) {
      const std::int64_t n = std::min(kChunk, walk.sizes[inner] - begin);
      for (std::size_t k = 0; k < operands.size(); ++k) {
        std::int64_t at = begin * walk.strides[k][inner];
        for (std::size_t d = 0; d < inner; ++d) at += index[d] * walk.strides[k][d];
        load(reg(static_cast<int>(k)), operands[k], at, walk.strides[k][inner], n);
      }
      for (std::size_t i = 0; i < program.code.size(); ++i) {
        const Instruction& it = program.code[i];
        step(it, program.compute, reg(program.inputs + static_cast<int>(i)), reg(it.a), reg(it.b), reg(it.c), n);
      }
      store(result, reg(program.result()), written, n);
      written += n;
    }
    std::size_t d = inner;
    while (d-- > 0) {
      if (++index[d] < walk.sizes[d]) break;
      index[d] = 0;
    }
    if (d == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace

Tensor evaluate_program(const Program& program, std::span<const Tensor> operands, DType dtype, const Dims& sizes) {
  WHERRY_CHECK_EQ(static_cast<int>(operands.size()), program.inputs);
  Tensor result = Tensor::empty(dtype, sizes);
  if (result.numel() == 0) return result;
  const Walk walk = plan_walk(operands, sizes);
  switch (program.compute) {
    case Compute::f32: run<float>(program, operands, result, walk); break;
    case Compute::f64: run<double>(program, operands, result, walk); break;
    case Compute::i64: run<std::int64_t>(program, operands, result, walk); break;
  }
  return result;
}

}  // namespace wherry::passes::constant
