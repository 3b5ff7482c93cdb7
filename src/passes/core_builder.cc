#include "passes/core_builder.h"

#include <algorithm>

#include "base/check.h"
#include "ir/ops.h"
#include "tensor/elements.h"

namespace wherry::passes {

using expression::Builder;
using expression::Compute;
using expression::Opcode;
using ir::Value;

Compute compute_for(DType result, std::span<const Operand> operands) {
  bool floating = is_floating(result), wide = result == DType::f64, ranked = false;
  for (const Operand& operand : operands) ranked |= operand.value && !operand.value->type().sizes.empty();
  for (const Operand& operand : operands) {
    if (!operand.value) {
      floating |= operand.floating;
      continue;
    }
    const ir::TensorType& type = operand.value->type();
    floating |= is_floating(type.dtype);
    wide |= type.dtype == DType::f64 && !(ranked && type.sizes.empty());
  }
  return wide ? Compute::f64 : floating ? Compute::f32 : Compute::i64;
}

Dims broadcast(const Dims& a, const Dims& b) {
  Dims out = a.size() >= b.size() ? a : b;
  const Dims& other = a.size() >= b.size() ? b : a;
  const std::size_t missing = out.size() - other.size();
  for (std::size_t i = 0; i < other.size(); ++i)
    if (out[missing + i] == 1) out[missing + i] = other[i];
  return out;
}

std::int64_t wrap(std::int64_t dim, std::size_t rank) {
  const auto limit = static_cast<std::int64_t>(std::max<std::size_t>(rank, 1));
  if (dim < -limit || dim >= limit)
    base::fail<InvalidModel>("dimension {} of a tensor of rank {}: expected {} to {}", dim, rank, -limit, limit - 1);
  return dim < 0 ? dim + limit : dim;
}

Value* CoreBuilder::record(std::string op, std::vector<Value*> inputs, ir::Attributes attributes) {
  return ir::record(graph_, std::move(op), std::move(inputs), std::move(attributes), source_, at_)->output();
}

Value* CoreBuilder::reshape(Value* x, Dims sizes) {
  if (sizes == x->type().sizes) return x;
  return record("reshape", {x}, {{"sizes", std::move(sizes)}});
}

Value* CoreBuilder::permute(Value* x, Dims dims) {
  if (std::is_sorted(dims.begin(), dims.end())) return x;
  return record("permute", {x}, {{"dims", std::move(dims)}});
}

Value* CoreBuilder::transpose(Value* x, std::int64_t a, std::int64_t b) {
  const std::size_t rank = x->type().sizes.size();
  if (rank == 0) return x;
  Dims dims(rank);
  for (std::size_t d = 0; d < rank; ++d) dims[d] = static_cast<std::int64_t>(d);
  std::swap(dims[static_cast<std::size_t>(wrap(a, rank))], dims[static_cast<std::size_t>(wrap(b, rank))]);
  return permute(x, std::move(dims));
}

Value* CoreBuilder::slice(Value* x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (start == 0 && end == x->type().sizes[static_cast<std::size_t>(dim)] && step == 1) return x;
  return record("slice", {x}, {{"dim", dim}, {"start", start}, {"end", end}, {"step", step}});
}

Value* CoreBuilder::expand(Value* x, Dims sizes) {
  if (sizes == x->type().sizes) return x;
  return record("expand", {x}, {{"sizes", std::move(sizes)}});
}

Value* CoreBuilder::unsqueeze(Value* x, std::int64_t dim) {
  Dims sizes = x->type().sizes;
  sizes.insert(sizes.begin() + wrap(dim, sizes.size() + 1), 1);
  return reshape(x, std::move(sizes));
}

Value* CoreBuilder::squeeze(Value* x, std::int64_t dim) {
  Dims sizes = x->type().sizes;
  sizes.erase(sizes.begin() + wrap(dim, sizes.size()));
  return reshape(x, std::move(sizes));
}

Value* CoreBuilder::select(Value* x, std::int64_t dim, std::int64_t index) {
  return squeeze(slice(x, dim, index, index + 1), dim);
}

Value* CoreBuilder::concat(std::vector<Value*> xs, std::int64_t dim) {
  if (xs.size() == 1) return xs[0];
  return record("concat", std::move(xs), {{"dim", dim}});
}

Value* CoreBuilder::pad(Value* x, Dims pads, double value) {
  if (std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; })) return x;
  return record("pad", {x}, {{"pads", std::move(pads)}, {"value", value}});
}

Value* CoreBuilder::reduce(Value* x, std::string mode, Dims dims, bool keepdim) {
  std::sort(dims.begin(), dims.end());
  return record("reduce", {x}, {{"mode", std::move(mode)}, {"dims", std::move(dims)}, {"keepdim", keepdim}});
}

Value* CoreBuilder::softmax(Value* x, std::int64_t dim, bool log) {
  return record("softmax", {x}, {{"dim", dim}, {"log", log}});
}

Value* CoreBuilder::matmul(Value* a, Value* b, Value* bias) {
  std::vector<Value*> inputs = {a, b};
  if (bias) inputs.push_back(bias);
  return record("matmul", std::move(inputs), {});
}

Value* CoreBuilder::unexpanded(Value* x) {
  for (const ir::Node* made = x->producer(); made && made->op() == "expand"; made = x->producer()) x = made->input(0);
  return x;
}

Value* CoreBuilder::key_mask(Value* addends, std::int64_t keys) {
  Dims sizes = addends->type().sizes;
  if (sizes.empty()) sizes = {1};
  sizes.back() = keys;
  return expand(cast(addends, DType::f32), std::move(sizes));
}

Value* CoreBuilder::attention(Value* q, Value* k, Value* v, Value* mask, double scale, bool causal, bool zero_hidden) {
  std::vector<Value*> inputs = {q, k, v};
  if (mask) inputs.push_back(mask);
  return record("attention", std::move(inputs), {{"scale", scale}, {"causal", causal}, {"zero_hidden", zero_hidden}});
}

Value* CoreBuilder::gather(Value* table, Value* indices, std::int64_t dim) {
  return record("gather", {table, indices}, {{"dim", dim}});
}

Value* CoreBuilder::adaptive_pool(Value* x, std::string mode, std::int64_t height, std::int64_t width) {
  const Dims& in = x->type().sizes;
  ir::TensorType type{x->type().dtype, {in[0], in[1], height, width}, {}};
  return graph_
      .add_node("adaptive_pool", {x}, {{"mode", std::move(mode)}, {"output_size", Dims{height, width}}},
                {std::move(type)}, source_, at_)
      ->output();
}

Value* CoreBuilder::cast(Value* x, DType dtype) {
  if (x->type().dtype == dtype) return x;
  return apply({x}, dtype, [](Builder&, std::span<const std::uint8_t> r) { return r[0]; });
}

Value* CoreBuilder::elementwise(expression::Program program, std::vector<Value*> operands, ir::TensorType type) {
  return graph_
      .add_node("elementwise", std::move(operands), {{"program", std::move(program)}}, {std::move(type)}, source_, at_)
      ->output();
}

Value* CoreBuilder::apply(std::vector<Operand> operands, DType result, const Emit& emit) {
  std::vector<Value*> values;
  std::vector<std::size_t> place(operands.size());
  Dims sizes;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].value) continue;
    sizes = broadcast(sizes, operands[i].value->type().sizes);
    const auto found = std::find(values.begin(), values.end(), operands[i].value);
    place[i] = static_cast<std::size_t>(found - values.begin());
    if (found == values.end()) values.push_back(operands[i].value);
  }
  Builder builder(compute_for(result, operands), static_cast<int>(values.size()));
  std::vector<std::uint8_t> registers;
  for (std::size_t i = 0; i < operands.size(); ++i)
    registers.push_back(operands[i].value ? builder.input(static_cast<int>(place[i]))
                                          : builder.constant(operands[i].number));
  const std::uint8_t last = emit(builder, registers);
  return elementwise(builder.finish(last), std::move(values), {result, std::move(sizes), {}});
}

Value* CoreBuilder::unary(Opcode opcode, Value* x, std::optional<DType> result) {
  return apply({x}, result.value_or(x->type().dtype),
               [&](Builder& b, std::span<const std::uint8_t> r) { return b.emit(opcode, r[0]); });
}

Value* CoreBuilder::binary(Opcode opcode, Operand a, Operand b, DType result) {
  return apply({a, b}, result,
               [&](Builder& build, std::span<const std::uint8_t> r) { return build.emit(opcode, r[0], r[1]); });
}

Value* CoreBuilder::constant(double value, DType dtype) {
  Tensor tensor = Tensor::empty(dtype, {});
  tensor::store_double(tensor.mutable_data(), dtype, 0, value);
  return graph_.add_constant(std::move(tensor));
}

Value* CoreBuilder::full(Dims sizes, double value, DType dtype) {
  return expand(constant(value, dtype), std::move(sizes));
}

}  // namespace wherry::passes
