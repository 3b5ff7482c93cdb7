// Elementwise ops: their program, run over operands of any dtype that broadcast to the output.

#include "expression/program.h"
#include "ir/evaluate/values.h"
#include "tensor/elements.h"

namespace wherry::ir::evaluate_ops {
namespace {

/// Strides of a row-major tensor as seen from `sizes`: 0 where it repeats.
Dims broadcast_strides(const Tensor& tensor, const Dims& sizes) {
  Dims strides(sizes.size(), 0);
  const Dims own = contiguous_strides(tensor.sizes());
  const std::size_t lead = sizes.size() - own.size();
  for (std::size_t d = 0; d < own.size(); ++d)
    if (tensor.sizes()[d] != 1) strides[lead + d] = own[d];
  return strides;
}

/// Runs `body` for each element; load(tensor, offset) reads an operand, store(linear, result) keeps the answer.
template <typename T, typename Load, typename Store>
void run(const expression::Program& program, std::span<const Tensor* const> operands, const Dims& sizes, Load load,
         Store store) {
  expression::Evaluator body(program);
  std::vector<Dims> strides;
  for (const Tensor* operand : operands) strides.push_back(broadcast_strides(*operand, sizes));
  std::vector<std::int64_t> offsets(operands.size(), 0);
  std::vector<T> arguments(operands.size());
  Dims index(sizes.size(), 0);
  const std::int64_t count = element_count(sizes);
  for (std::int64_t linear = 0; linear < count; ++linear) {
    for (std::size_t k = 0; k < operands.size(); ++k) arguments[k] = load(*operands[k], offsets[k]);
    store(linear, body(std::span<const T>(arguments)));
    for (std::size_t d = sizes.size(); d-- > 0;) {
      const bool carry = ++index[d] == sizes[d];
      for (std::size_t k = 0; k < operands.size(); ++k)
        offsets[k] += carry ? strides[k][d] * (1 - sizes[d]) : strides[k][d];
      if (!carry) break;
      index[d] = 0;
    }
  }
}

Tensor run(const expression::Program& program, std::span<const Tensor* const> operands, const TensorType& output) {
  Tensor result = Tensor::empty(output.dtype, output.sizes);
  void* data = result.mutable_data();
  if (program.compute == expression::Compute::i64) {
    run<std::int64_t>(
        program, operands, output.sizes,
        [](const Tensor& tensor, std::int64_t at) { return tensor::load_int(tensor.data(), tensor.dtype(), at); },
        [&](std::int64_t at, std::int64_t value) { tensor::store_int(data, output.dtype, at, value); });
  } else {
    run<double>(
        program, operands, output.sizes,
        [](const Tensor& tensor, std::int64_t at) { return tensor::load_double(tensor.data(), tensor.dtype(), at); },
        [&](std::int64_t at, double value) { tensor::store_double(data, output.dtype, at, value); });
  }
  return result;
}

}  // namespace

std::optional<std::vector<Tensor>> evaluate_elementwise(const Values& values) {
  std::vector<const Tensor*> operands;
  for (std::size_t i = 0; i < values.input_count(); ++i)
    if (values.maybe(i)) operands.push_back(values.maybe(i));
  if (values.call().op() == "elementwise")
    return std::vector<Tensor>{
        run(std::get<expression::Program>(*values.call().find("program")), operands, values.output())};

  const auto program = elementwise_program(values.call().op(), values.call().inputs(), values.call().attributes());
  if (!program) return std::nullopt;
  if (program->is_identity()) return std::vector<Tensor>{values.input().to(values.output().dtype)};
  operands.resize(static_cast<std::size_t>(program->inputs));
  return std::vector<Tensor>{run(*program, operands, values.output())};
}

}  // namespace wherry::ir::evaluate_ops
