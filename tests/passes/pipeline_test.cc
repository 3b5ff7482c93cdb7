// Whole small networks: after optimize() only core ops are left, in the fused form the runtime expects, and the numbers
// are the same as without any pass but lowering.

#include "passes/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/check.h"
#include "interpreter.h"
#include "ir/core_ops.h"
#include "ir/ops.h"
#include "passes/lower/lower.h"

namespace wherry::passes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A graph under construction: each op's type is inferred.
class Network {
 public:
  ir::Graph graph;

  ir::Value* input(Dims sizes) { return graph.add_input("x", {DType::f32, std::move(sizes), {}}); }
  ir::Value* weight(Dims sizes, double low = -0.5, double high = 0.5) {
    const ir::Graph made =
        ir::parse_graph(fmt::format("graph() {{\n %w = constant float32{} uniform({}, {}, {})\n return %w as w\n}}\n",
                                    to_string(sizes), ++seed_, low, high));
    return graph.add_constant(made.constants()[0]->constant());
  }
  ir::Value* op(std::string name, std::vector<ir::Value*> inputs, ir::Attributes attributes = {}) {
    return ir::record(graph, "aten::" + std::move(name), std::move(inputs), std::move(attributes),
                      {"net", "net.py", ++line_})
        ->output();
  }
  ir::Value* convolution(ir::Value* x, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                         std::int64_t groups = 1) {
    const std::int64_t in = x->type().sizes[1];
    return op("conv2d", {x, weight({out, in / groups, kernel, kernel})},
              {{"stride", Dims{stride, stride}},
               {"padding", Dims{kernel / 2, kernel / 2}},
               {"dilation", Dims{1, 1}},
               {"groups", groups}});
  }
  ir::Value* batch_norm(ir::Value* x) {
    const std::int64_t c = x->type().sizes[1];
    return op("batch_norm", {x, weight({c}), weight({c}), weight({c}), weight({c}, 0.5, 1.5)},
              {{"training", false}, {"momentum", 0.1}, {"eps", 1e-5}, {"cudnn_enabled", true}});
  }
  ir::Value* add(ir::Value* a, ir::Value* b) { return op("add", {a, b}, {{"alpha", std::int64_t{1}}}); }

 private:
  std::uint64_t seed_ = 100;
  int line_ = 0;
};

std::vector<std::string> ops(const ir::Graph& graph) {
  std::vector<std::string> names;
  for (const ir::Node* node : graph.nodes()) names.push_back(node->op());
  return names;
}

std::ptrdiff_t count(const ir::Graph& graph, const std::string& op) {
  const auto all = ops(graph);
  return std::count(all.begin(), all.end(), op);
}

/// Runs the pipeline on `build`'s graph, checks it after every pass, and compares it with the merely lowered one.
template <typename Build>
ir::Graph optimized(Build build, double tolerance = 2e-5) {
  Network plain, fast;
  build(plain);
  build(fast);
  lower(plain.graph);
  for (const Pass& pass : pipeline()) {
    pass.run(fast.graph);
    EXPECT_NO_THROW(ir::verify(fast.graph)) << "after " << pass.name;
  }
  for (const std::string& op : ops(fast.graph))
    EXPECT_NE(std::find(ir::kCoreOps.begin(), ir::kCoreOps.end(), op), ir::kCoreOps.end()) << op;
  const auto inputs = uniform_inputs(plain.graph, 1);
  const auto expected = interpret(plain.graph, inputs), found = interpret(fast.graph, inputs);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_LT(difference(found[i], expected[i]), tolerance);
  return std::move(fast.graph);
}

TEST(Pipeline, ResNetBlockIsThreeConvolutionsAndAReduction) {
  const ir::Graph graph = optimized([](Network& n) {
    ir::Value* x = n.op("relu", {n.batch_norm(n.convolution(n.input({2, 3, 8, 8}), 8, 3, 1))});
    ir::Value* y = n.op("relu", {n.batch_norm(n.convolution(x, 8, 3, 1))});
    y = n.batch_norm(n.convolution(y, 8, 3, 1));
    y = n.op("relu", {n.add(y, x)});
    y = n.op("flatten", {n.op("adaptive_avg_pool2d", {y}, {{"output_size", Dims{1, 1}}})},
             {{"start_dim", std::int64_t{1}}, {"end_dim", std::int64_t{-1}}});
    n.graph.add_output(n.op("linear", {y, n.weight({5, 8}), n.weight({5})}), "logits");
  });
  EXPECT_THAT(ops(graph), ElementsAre("copy", "convolution", "convolution", "convolution", "reduce", "view", "matmul"))
      << ir::print(graph);
  // The residual is an operand of the last convolution: accumulator + block input, then ReLU.
  const ir::Node* last = graph.nodes()[3];
  EXPECT_EQ(last->program("epilogue").to_string(), "f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }");
  EXPECT_EQ(last->input(3), graph.nodes()[1]->output());
}

TEST(Pipeline, OfTwoConvolutionsTheLaterOneAdds) {
  const ir::Graph graph = optimized([](Network& n) {
    ir::Value* x = n.input({1, 4, 6, 6});
    ir::Value* a = n.batch_norm(n.convolution(x, 8, 3, 2));
    ir::Value* b = n.batch_norm(n.convolution(x, 8, 1, 2));
    n.graph.add_output(n.op("relu", {n.add(a, b)}), "y");
  });
  EXPECT_THAT(ops(graph), ElementsAre("copy", "convolution", "convolution", "copy")) << ir::print(graph);
  EXPECT_FALSE(graph.nodes()[1]->has("epilogue"));
  EXPECT_TRUE(graph.nodes()[2]->has("epilogue"));
}

TEST(Pipeline, InvertedResidualWithSqueezeAndExcitation) {
  const ir::Graph graph = optimized([](Network& n) {
    ir::Value* x = n.batch_norm(n.convolution(n.input({2, 3, 8, 8}), 8, 3, 2));
    ir::Value* y = n.op("hardswish", {n.batch_norm(n.convolution(x, 16, 1, 1))});
    y = n.op("hardswish", {n.batch_norm(n.convolution(y, 16, 3, 1, 16))});
    ir::Value* s = n.op("adaptive_avg_pool2d", {y}, {{"output_size", Dims{1, 1}}});
    s = n.op("relu", {n.convolution(s, 4, 1, 1)});
    s = n.op("hardsigmoid", {n.convolution(s, 16, 1, 1)});
    y = n.op("mul", {s, y});
    n.graph.add_output(n.add(n.batch_norm(n.convolution(y, 8, 1, 1)), x), "y");
  });
  EXPECT_EQ(count(graph, "elementwise"), 1) << ir::print(graph);  // the gate times the image
  EXPECT_EQ(count(graph, "copy"), 2) << ir::print(graph);         // at the graph's two edges
}

TEST(Pipeline, DenseBlockFusesNormAndReluBeforeTheConvolution) {
  const ir::Graph graph = optimized([](Network& n) {
    ir::Value* x = n.convolution(n.input({1, 3, 6, 6}), 8, 3, 1);
    ir::Value* y = n.convolution(n.op("relu", {n.batch_norm(x)}), 4, 3, 1);
    ir::Value* z = n.op("cat", {x, y}, {{"dim", std::int64_t{1}}});
    n.graph.add_output(n.convolution(n.op("relu", {n.batch_norm(z)}), 4, 1, 1), "y");
  });
  EXPECT_EQ(count(graph, "elementwise"), 2) << ir::print(graph);
  EXPECT_EQ(count(graph, "copy"), 2) << ir::print(graph);
}

TEST(Pipeline, ConvNeXtBlockMovesNothing) {
  const ir::Graph graph = optimized([](Network& n) {
    ir::Value* x = n.convolution(n.input({2, 3, 8, 8}), 8, 2, 2);
    ir::Value* y = n.convolution(x, 8, 7, 1, 8);
    y = n.op("permute", {y}, {{"dims", Dims{0, 2, 3, 1}}});
    y = n.op("layer_norm", {y, n.weight({8}), n.weight({8})},
             {{"normalized_shape", Dims{8}}, {"eps", 1e-6}, {"cudnn_enable", true}});
    y = n.op("gelu", {n.op("linear", {y, n.weight({32, 8}), n.weight({32})})}, {{"approximate", std::string("none")}});
    y = n.op("linear", {y, n.weight({8, 32}), n.weight({8})});
    y = n.op("permute", {y}, {{"dims", Dims{0, 3, 1, 2}}});
    y = n.op("mul", {n.weight({8, 1, 1}), y});
    n.graph.add_output(n.convolution(n.add(y, x), 4, 1, 1), "y");
  });
  EXPECT_EQ(count(graph, "copy"), 2) << ir::print(graph);
}

TEST(Pipeline, VisionTransformerBlockMovesNothing) {
  const ir::Graph graph = optimized([](Network& n) {
    const Dims heads = {2, 5, 3, 2, 4};
    ir::Value* x = n.convolution(n.input({2, 3, 4, 4}), 8, 2, 2);
    x = n.op("reshape", {x}, {{"shape", Dims{2, 8, 9}}});
    x = n.op("permute", {x}, {{"dims", Dims{0, 2, 1}}});
    x = n.op(
        "slice", {x},
        {{"dim", std::int64_t{1}}, {"start", std::int64_t{0}}, {"end", std::int64_t{5}}, {"step", std::int64_t{1}}});
    ir::Value* y = n.op("layer_norm", {x, n.weight({8}), n.weight({8})},
                        {{"normalized_shape", Dims{8}}, {"eps", 1e-6}, {"cudnn_enable", true}});
    y = n.op("linear", {y, n.weight({24, 8}), n.weight({24})});
    y = n.op("permute", {n.op("reshape", {y}, {{"shape", heads}})}, {{"dims", Dims{2, 0, 3, 1, 4}}});
    ir::Value* part[3];
    for (std::int64_t i = 0; i < 3; ++i) part[i] = n.op("select", {y}, {{"dim", std::int64_t{0}}, {"index", i}});
    y = n.op("scaled_dot_product_attention", {part[0], part[1], part[2]},
             {{"dropout_p", 0.0}, {"is_causal", false}, {"enable_gqa", false}});
    y = n.op("transpose", {y}, {{"dim0", std::int64_t{1}}, {"dim1", std::int64_t{2}}});
    y = n.op("reshape", {y}, {{"shape", Dims{2, 5, 8}}});
    y = n.op("linear", {y, n.weight({8, 8}), n.weight({8})});
    n.graph.add_output(n.add(y, x), "y");
  });
  EXPECT_EQ(count(graph, "elementwise"), 0) << ir::print(graph);
  EXPECT_LE(count(graph, "copy"), 2) << ir::print(graph);  // the input image, and the sliced rows for the norm
}

TEST(Pipeline, ChannelShuffleCopiesOncePerShuffle) {
  const ir::Graph graph = optimized([](Network& n) {
    ir::Value* x = n.convolution(n.input({1, 3, 6, 6}), 8, 3, 1);
    const auto half = [&](std::int64_t i) {
      return ir::record(n.graph, "aten::chunk", {x}, {{"chunks", std::int64_t{2}}, {"dim", std::int64_t{1}}})
          ->output(static_cast<std::size_t>(i));
    };
    ir::Value* y = n.op("cat", {half(0), n.convolution(half(1), 4, 1, 1)}, {{"dim", std::int64_t{1}}});
    y = n.op("view", {y}, {{"size", Dims{1, 2, 4, 6, 6}}});
    y = n.op("transpose", {y}, {{"dim0", std::int64_t{1}}, {"dim1", std::int64_t{2}}});
    y = n.op("view", {n.op("contiguous", {y})}, {{"size", Dims{1, 8, 6, 6}}});
    n.graph.add_output(n.convolution(y, 4, 1, 1), "y");
  });
  EXPECT_EQ(count(graph, "copy"), 3) << ir::print(graph);
}

TEST(Pipeline, ReportsAllThatCannotBeLoweredAtOnce) {
  Network n;
  ir::Value* x = n.input({2, 3, 8, 8});
  ir::Value* a = n.op("tril", {x}, {{"diagonal", std::int64_t{0}}});
  ir::Value* w = n.op("add", {x, x}, {{"alpha", std::int64_t{1}}});
  ir::Value* b =
      n.op("conv2d", {a, w},
           {{"stride", Dims{1, 1}}, {"padding", Dims{0, 0}}, {"dilation", Dims{1, 1}}, {"groups", std::int64_t{1}}});
  n.graph.add_output(b, "y");
  try {
    optimize(n.graph);
    FAIL() << "nothing was reported";
  } catch (const Unsupported& error) {
    EXPECT_THAT(error.what(), HasSubstr("aten::tril at net.py:1"));
    EXPECT_THAT(error.what(), HasSubstr("aten::conv2d at net.py:3"));
    EXPECT_EQ(error.items().size(), 2u);
  }
}

TEST(Pipeline, OpsNobodyReadsAreNotReported) {
  Network n;
  ir::Value* x = n.input({2, 3});
  n.op("cumsum", {x}, {{"dim", std::int64_t{1}}});
  n.graph.add_output(n.op("relu", {x}), "y");
  EXPECT_NO_THROW(optimize(n.graph));
  EXPECT_THAT(ops(n.graph), ElementsAre("elementwise"));
}

TEST(Pipeline, FoldedWeightsAreComputedWhenRead) {
  Network n;
  int reads = 0;
  const auto lazy = std::make_shared<tensor::LazyTensor>("weight", DType::f32, Dims{128, 256}, [&] {
    ++reads;
    return Tensor::zeros(DType::f32, {128, 256});
  });
  n.graph.add_output(n.op("linear", {n.input({1, 256}), n.graph.add_constant(lazy)}), "y");
  optimize(n.graph);
  EXPECT_EQ(reads, 0);
  const ir::Value* weight = n.graph.nodes()[0]->input(1);
  ASSERT_TRUE(weight->is_constant());
  EXPECT_EQ(weight->constant()->get().sizes(), (Dims{256, 128}));
  EXPECT_EQ(reads, 1);
}

}  // namespace
}  // namespace wherry::passes
