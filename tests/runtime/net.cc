// Building and comparing.

#include "net.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "interpreter.h"
#include "runtime/plan.h"
#include "runtime/strides.h"
#include "tensor/elements.h"

namespace wherry::runtime {

Tensor Net::random_tensor(const Dims& sizes, DType dtype, int low, int high) {
  Tensor tensor = Tensor::empty(dtype, sizes);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    if (is_floating(dtype)) {
      tensor::store_double(tensor.mutable_data(), dtype, i, std::uniform_real_distribution<double>(-1, 1)(random_));
    } else {
      tensor::store_int(tensor.mutable_data(), dtype, i, std::uniform_int_distribution<int>(low, high)(random_));
    }
  }
  return tensor;
}

ir::Value* Net::input(Dims sizes, DType dtype, int low, int high) {
  inputs_.push_back(random_tensor(sizes, dtype, low, high));
  const Dims strides = contiguous_strides(sizes);
  return graph_.add_input("input_" + std::to_string(inputs_.size()), {dtype, std::move(sizes), strides});
}

ir::Value* Net::constant(Dims sizes, DType dtype, int low, int high) {
  ir::Value* value = graph_.add_constant(random_tensor(sizes, dtype, low, high));
  value->type().strides = contiguous_strides(sizes);
  return value;
}

ir::Value* Net::node(std::string op, std::vector<ir::Value*> inputs, ir::Attributes attributes, Dims sizes,
                     Dims strides, DType dtype) {
  if (strides.size() != sizes.size()) strides = contiguous_strides(sizes);
  return graph_
      .add_node(std::move(op), std::move(inputs), std::move(attributes),
                {{dtype, std::move(sizes), std::move(strides)}})
      ->output();
}

ir::Value* Net::elementwise(std::string_view program, std::vector<ir::Value*> inputs, Dims sizes, Dims strides,
                            DType dtype) {
  return node("elementwise", std::move(inputs), {{"program", expression::Program::parse(program)}}, std::move(sizes),
              std::move(strides), dtype);
}

ir::Value* Net::channels_last(ir::Value* value) {
  const Dims sizes = value->type().sizes;
  return node("copy", {value}, {}, sizes, image_strides(sizes), value->type().dtype);
}

Dims image_strides(const Dims& sizes) { return channels_last_strides(sizes); }

ir::Attributes padded_convolution(const char* epilogue) {
  return {{"stride", Dims{1, 1}},
          {"padding", Dims{1, 1, 1, 1}},
          {"dilation", Dims{1, 1}},
          {"groups", std::int64_t{1}},
          {"epilogue", expression::Program::parse(epilogue)}};
}

void build_small_resnet(Net& net, std::int64_t batch, std::int64_t side) {
  const auto weight = [&](Dims sizes) { return net.constant(std::move(sizes)); };
  std::vector<ir::Value*> weights{weight({16, 8, 3, 3}), weight({16, 16, 3, 3}), weight({16, 16, 3, 3})};
  ir::Value* linear = weight({16, 10});
  ir::Value* bias = weight({10});
  const Dims sizes{batch, 16, side, side};
  ir::Value* x = net.channels_last(net.input({batch, 8, side, side}));
  const char* relu = "f32 (x0) { x1 = relu x0 }";
  const char* residual = "f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }";
  ir::Value* y = net.node("convolution", {x, weights[0]}, padded_convolution(relu), sizes, image_strides(sizes));
  ir::Value* z = net.node("convolution", {y, weights[1]}, padded_convolution(relu), sizes, image_strides(sizes));
  ir::Value* w =
      net.node("convolution", {z, weights[2], nullptr, y}, padded_convolution(residual), sizes, image_strides(sizes));
  ir::Value* pooled = net.node("adaptive_pool", {w}, {{"mode", std::string("avg")}}, {batch, 16, 1, 1},
                               image_strides({batch, 16, 1, 1}));
  ir::Value* flat = net.node("view", {pooled}, {{"offset", std::int64_t{0}}}, {batch, 16}, {16, 1});
  net.output(net.node("matmul", {flat, linear, bias}, {}, {batch, 10}));
}

void expect_close(const Tensor& found, const Tensor& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(found.dtype(), expected.dtype()) << what;
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  ASSERT_TRUE(found.is_contiguous()) << what;
  double largest = 0;
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    const double value = std::fabs(tensor::load_double(expected.data(), expected.dtype(), i));
    if (std::isfinite(value)) largest = std::max(largest, value);
  }
  const double bound = is_floating(expected.dtype()) ? tolerance * std::max(largest, 1e-3) : 0;
  int shown = 0;
  for (std::int64_t i = 0; i < expected.numel() && shown < 4; ++i) {
    const double got = tensor::load_double(found.data(), found.dtype(), i);
    const double wanted = tensor::load_double(expected.data(), expected.dtype(), i);
    const bool same = std::isnan(wanted) ? std::isnan(got) : got == wanted || std::fabs(got - wanted) <= bound;
    if (same) continue;
    ++shown;
    ADD_FAILURE() << what << ": element " << i << " is " << got << ", expected " << wanted << " within " << bound;
  }
}

void expect_plan_computes(Net& net, double tolerance) {
  // One for all nets of the program: primitives whose keys are alike by mistake would be found out.
  static PrimitiveCache primitives({.entries = 4096, .bytes = 64 << 20});
  const std::vector<Tensor> expected = interpret(net.graph(), net.inputs());
  for (const base::Isa isa : base::runnable_fp32_isas()) {
    for (const int threads : {1, 2, 3}) {
      ThreadTeam team(threads);
      PackedWeights weights;
      ArenaPool arenas;
      const Plan plan(net.graph(), weights, primitives, team, isa);
      for (int round = 0; round < 2; ++round) {
        const std::vector<Tensor> found = plan.run(net.inputs(), team, arenas);
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          expect_close(found[i], expected[i], tolerance,
                       "output " + std::to_string(i) + ", " + std::string(base::name_of(isa)) + ", " +
                           std::to_string(threads) + " threads, run " + std::to_string(round));
        }
      }
    }
  }
}

}  // namespace wherry::runtime
