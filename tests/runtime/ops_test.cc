// Every core op, planned and run for every instruction set and several team sizes, against the plain meaning of the
// graph. Sizes are large enough that several threads get work.

#include <gtest/gtest.h>

#include "net.h"

namespace wherry::runtime {
namespace {

using expression::Program;

ir::Attributes convolution_attributes(Dims stride, Dims padding, Dims dilation, std::int64_t groups,
                                      const char* epilogue = nullptr) {
  ir::Attributes attributes{{"stride", stride}, {"padding", padding}, {"dilation", dilation}, {"groups", groups}};
  if (epilogue != nullptr) attributes["epilogue"] = Program::parse(epilogue);
  return attributes;
}

struct ConvolutionCase {
  const char* name;
  Dims x, w;
  Dims stride, padding, dilation;
  std::int64_t groups;
};

class Convolutions : public testing::TestWithParam<ConvolutionCase> {};

TEST_P(Convolutions, WithBias) {
  const ConvolutionCase& c = GetParam();
  Net net;
  const auto out = [&](std::size_t d) {
    return (c.x[2 + d] + c.padding[2 * d] + c.padding[2 * d + 1] - c.dilation[d] * (c.w[2 + d] - 1) - 1) / c.stride[d] +
           1;
  };
  const Dims sizes{c.x[0], c.w[0], out(0), out(1)};
  ir::Value* x = net.channels_last(net.input(c.x));
  net.output(net.node("convolution", {x, net.constant(c.w), net.constant({c.w[0]})},
                      convolution_attributes(c.stride, c.padding, c.dilation, c.groups), sizes, image_strides(sizes)));
  expect_plan_computes(net, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolutions,
    testing::Values(ConvolutionCase{"pointwise", {2, 24, 13, 11}, {40, 24, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1},
                    ConvolutionCase{"square", {1, 16, 17, 15}, {32, 16, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1},
                    ConvolutionCase{"strided", {2, 8, 20, 21}, {24, 8, 3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1},
                    ConvolutionCase{"uneven", {1, 5, 9, 12}, {7, 5, 2, 4}, {1, 3}, {0, 1, 2, 0}, {2, 1}, 1},
                    ConvolutionCase{"stem", {1, 3, 30, 34}, {16, 3, 7, 7}, {2, 2}, {3, 3, 3, 3}, {1, 1}, 1},
                    ConvolutionCase{"depthwise", {2, 36, 14, 14}, {36, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 36},
                    ConvolutionCase{"grouped", {1, 32, 12, 10}, {64, 8, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 4},
                    ConvolutionCase{"line", {3, 6, 1, 50}, {9, 6, 1, 5}, {1, 1}, {0, 0, 2, 2}, {1, 1}, 1}),
    [](const auto& shape) { return shape.param.name; });

TEST(ConvolutionEpilogue, ResidualAndRelu) {
  for (const char* program : {"f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }", "f32 (x0, x1) { x2 = add x1 x0 }",
                              "f32 (x0, x1) { x2 = mul x0 x1; x3 = sigmoid x2; x4 = mul x0 x3 }"}) {
    for (const Dims& operand : {Dims{2, 24, 9, 10}, Dims{2, 24, 1, 1}, Dims{1, 24, 9, 10}, Dims{2, 1, 9, 10},
                                Dims{2, 24, 9, 1}, Dims{1, 1, 1, 10}, Dims{1, 24, 1, 1}, Dims{1, 1, 1, 1}}) {
      SCOPED_TRACE(std::string(program) + " with " + to_string(operand));
      Net net;
      const Dims sizes{2, 24, 9, 10};
      ir::Value* x = net.channels_last(net.input({2, 12, 9, 10}));
      ir::Value* other = net.channels_last(net.input(operand));
      net.output(net.node("convolution", {x, net.constant({24, 12, 3, 3}), nullptr, other},
                          convolution_attributes({1, 1}, {1, 1, 1, 1}, {1, 1}, 1, program), sizes,
                          image_strides(sizes)));
      expect_plan_computes(net, 1e-5);
    }
  }
}

TEST(ConvolutionEpilogue, Clamps) {
  for (const char* program :
       {"f32 (x0) { x1 = relu x0 }", "f32 (x0) { x1 = constant 0; x2 = max x0 x1; x3 = constant 0.5; x4 = min x2 x3 }",
        "f32 (x0) { x1 = constant 0.25; x2 = min x1 x0; x3 = exp x2 }"}) {
    SCOPED_TRACE(program);
    Net net;
    const Dims sizes{1, 20, 8, 8};
    ir::Value* x = net.channels_last(net.input({1, 10, 8, 8}));
    net.output(net.node("convolution", {x, net.constant({20, 10, 1, 1}), net.constant({20})},
                        convolution_attributes({1, 1}, {0, 0, 0, 0}, {1, 1}, 1, program), sizes, image_strides(sizes)));
    expect_plan_computes(net, 1e-5);
  }
}

TEST(ConvolutionEpilogue, GivesOtherDtypesAndMemoryOrders) {
  Net net;
  ir::Value* x = net.channels_last(net.input({1, 6, 7, 8}));
  const auto attributes =
      convolution_attributes({1, 1}, {1, 1, 1, 1}, {1, 1}, 1, "f32 (x0) { x1 = constant 0; x2 = gt x0 x1 }");
  net.output(net.node("convolution", {x, net.constant({5, 6, 3, 3})}, attributes, {1, 5, 7, 8}, {}, DType::boolean));
  // Row-major images in and out: the step brings its own copies.
  net.output(net.node("convolution", {net.input({1, 6, 7, 8}), net.constant({5, 6, 3, 3})},
                      convolution_attributes({1, 1}, {1, 1, 1, 1}, {1, 1}, 1), {1, 5, 7, 8}));
  expect_plan_computes(net, 1e-5);
}

struct MatmulCase {
  const char* name;
  Dims a, b;
  bool constant;
  Dims c;
};

class Matmuls : public testing::TestWithParam<MatmulCase> {};

TEST_P(Matmuls, AgreeWithTheirMeaning) {
  const MatmulCase& m = GetParam();
  for (const char* epilogue : {"", "f32 (x0, x1) { x2 = add x0 x1; x3 = tanh x2 }"}) {
    Net net;
    std::vector<ir::Value*> inputs{net.input(m.a), m.constant ? net.constant(m.b) : net.input(m.b),
                                   net.constant({m.c.back()})};
    ir::Attributes attributes;
    if (*epilogue != '\0') {
      attributes["epilogue"] = Program::parse(epilogue);
      inputs.push_back(net.input(m.c));
    }
    net.output(net.node("matmul", inputs, attributes, m.c));
    expect_plan_computes(net, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Matmuls,
                         testing::Values(MatmulCase{"linear", {50, 64}, {64, 72}, true, {50, 72}},
                                         MatmulCase{"vector", {1, 300}, {300, 130}, true, {1, 130}},
                                         MatmulCase{"sequence", {2, 3, 17, 40}, {40, 33}, true, {2, 3, 17, 33}},
                                         MatmulCase{"one_row_each", {5, 1, 40}, {40, 33}, true, {5, 1, 33}},
                                         MatmulCase{"batched", {3, 4, 19, 16}, {3, 4, 16, 21}, false, {3, 4, 19, 21}},
                                         MatmulCase{"broadcast_b", {6, 9, 16}, {1, 16, 21}, false, {6, 9, 21}},
                                         MatmulCase{"broadcast_a", {9, 16}, {6, 16, 21}, false, {6, 9, 21}},
                                         MatmulCase{"rows_of_one", {4, 1, 16}, {4, 16, 8}, false, {4, 1, 8}},
                                         MatmulCase{"constant_batch", {3, 9, 16}, {3, 16, 21}, true, {3, 9, 21}},
                                         MatmulCase{"dot", {1, 77}, {77, 1}, false, {1, 1}}),
                         [](const auto& shape) { return shape.param.name; });

TEST(Matmul, ReadsTransposedAndStridedOperands) {
  Net net;
  ir::Value* q = net.input({2, 10, 3, 8});  // [batch, tokens, heads, depth]
  ir::Value* k = net.input({2, 12, 3, 8});
  ir::Value* heads = net.node("view", {q}, {{"offset", std::int64_t{0}}}, {2, 3, 10, 8}, {240, 8, 24, 1});
  ir::Value* keys = net.node("view", {k}, {{"offset", std::int64_t{0}}}, {2, 3, 8, 12}, {288, 8, 1, 24});
  ir::Value* scores = net.node("matmul", {heads, keys}, {}, {2, 3, 10, 12});
  net.output(scores);
  ir::Value* columns = net.node("matmul", {heads, keys}, {}, {2, 3, 10, 12}, {360, 120, 1, 10});
  net.output(columns);
  expect_plan_computes(net, 1e-5);
}

TEST(Elementwise, BroadcastsAndConverts) {
  Net net;
  ir::Value* a = net.input({4, 17, 33});
  ir::Value* b = net.constant({33});
  ir::Value* c = net.input({4, 1, 1}, DType::i64);
  net.output(
      net.elementwise("f32 (x0, x1, x2) { x3 = mul x0 x1; x4 = add x3 x2; x5 = tanh x4 }", {a, b, c}, {4, 17, 33}));
  net.output(net.elementwise("i64 (x0) { x1 = mul x0 x0 }", {c}, {4, 1, 1}, {}, DType::i32));
  net.output(net.elementwise("f32 (x0) {}", {a}, {4, 17, 33}, {}, DType::f64));
  net.output(net.elementwise("f32 (x0, x1) { x2 = lt x0 x1 }", {a, b}, {4, 17, 33}, {}, DType::boolean));
  expect_plan_computes(net);
}

TEST(Elementwise, ChainsInPlace) {
  Net net;
  ir::Value* x = net.input({30, 1000});
  ir::Value* y = net.elementwise("f32 (x0) { x1 = exp x0 }", {x}, {30, 1000});
  ir::Value* z = net.elementwise("f32 (x0, x1) { x2 = sub x0 x1 }", {y, x}, {30, 1000});
  ir::Value* w = net.elementwise("f32 (x0, x1) { x2 = mul x0 x1 }", {z, z}, {30, 1000});
  net.output(net.elementwise("f32 (x0, x1) { x2 = add x0 x1 }", {w, x}, {30, 1000}));
  net.output(net.elementwise("f32 (x0) { x1 = neg x0 }", {z}, {30, 1000}));
  expect_plan_computes(net);
}

TEST(Elementwise, DoesNotOverwriteWhatItReadsElsewhere) {
  // x[0] + x[1] where both rows live in one dying storage: the result may take one row's place, not both.
  Net net;
  ir::Value* x = net.elementwise("f32 (x0) { x1 = exp x0 }", {net.input({2, 5000})}, {2, 5000});
  ir::Value* first = net.node("view", {x}, {{"offset", std::int64_t{0}}}, {5000}, {1});
  ir::Value* second = net.node("view", {x}, {{"offset", std::int64_t{1}}}, {5000}, {1});
  net.output(net.elementwise("f32 (x0, x1) { x2 = sub x0 x1 }", {first, second}, {5000}));
  ir::Value* sum = net.elementwise("f32 (x0, x1) { x2 = add x0 x1 }", {first, second}, {5000});
  net.output(net.elementwise("f32 (x0) { x1 = neg x0 }", {sum}, {5000}));
  expect_plan_computes(net);
}

TEST(Pool, MaxAverageAndAdaptive) {
  Net net;
  ir::Value* x = net.channels_last(net.input({2, 40, 15, 14}));
  const ir::Attributes max{{"mode", std::string("max")},  {"kernel", Dims{3, 3}},   {"stride", Dims{2, 2}},
                           {"padding", Dims{1, 1, 1, 1}}, {"dilation", Dims{1, 1}}, {"count_include_pad", false},
                           {"divisor", std::int64_t{0}}};
  ir::Attributes average = max;
  average["mode"] = std::string("avg");
  ir::Attributes included = average;
  included["count_include_pad"] = true;
  const Dims sizes{2, 40, 8, 7};
  net.output(net.node("pool", {x}, max, sizes, image_strides(sizes)));
  net.output(net.node("pool", {x}, average, sizes, image_strides(sizes)));
  net.output(net.node("pool", {x}, included, sizes));  // row-major result
  for (const Dims& out : {Dims{2, 40, 1, 1}, Dims{2, 40, 4, 6}}) {
    net.output(net.node("adaptive_pool", {x}, {{"mode", std::string("avg")}}, out, image_strides(out)));
    net.output(net.node("adaptive_pool", {x}, {{"mode", std::string("max")}}, out, image_strides(out)));
  }
  expect_plan_computes(net, 1e-5);
}

TEST(Normalisation, LayerAndGroup) {
  Net net;
  ir::Value* x = net.input({3, 25, 48});
  net.output(net.node("layer_norm", {x, net.constant({48}), net.constant({48})},
                      {{"dims", std::int64_t{1}}, {"eps", 1e-5}}, {3, 25, 48}));
  net.output(net.node("layer_norm", {x}, {{"dims", std::int64_t{2}}, {"eps", 1e-3}}, {3, 25, 48}));
  // Rows that are not dense in memory, in and out.
  ir::Value* turned = net.node("view", {x}, {{"offset", std::int64_t{0}}}, {3, 48, 25}, {1200, 1, 48});
  net.output(net.node("layer_norm", {turned, net.constant({25})}, {{"dims", std::int64_t{1}}, {"eps", 1e-5}},
                      {3, 48, 25}, {1200, 1, 48}));
  ir::Value* image = net.input({2, 24, 9, 8});
  const ir::Attributes groups{{"groups", std::int64_t{4}}, {"eps", 1e-5}};
  net.output(net.node("group_norm", {image, net.constant({24}), net.constant({24})}, groups, {2, 24, 9, 8}));
  net.output(net.node("group_norm", {net.channels_last(image), net.constant({24})}, groups, {2, 24, 9, 8},
                      image_strides({2, 24, 9, 8})));
  expect_plan_computes(net, 1e-5);
}

ir::Attributes attention_attributes(bool causal, bool zero_hidden = false) {
  return {{"scale", 0.3}, {"causal", causal}, {"zero_hidden", zero_hidden}};
}

TEST(Attention, HeadsOfOneProduct) {
  // The heads lie in [batch, row, 3, head, depth], the result in [batch, row, head, depth].
  Net net;
  ir::Value* qkv = net.input({2, 40, 3 * 3 * 24});
  const Dims sizes{2, 3, 40, 24}, strides{40 * 216, 24, 216, 1};
  const auto part = [&](std::int64_t i) { return net.node("view", {qkv}, {{"offset", i * 72}}, sizes, strides); };
  ir::Value *q = part(0), *k = part(1), *v = part(2);
  const Dims joined{40 * 72, 24, 72, 1};
  for (const bool causal : {false, true}) {
    net.output(net.node("attention", {q, k, v}, attention_attributes(causal), sizes, joined));
    net.output(net.node("attention", {q, k, v}, attention_attributes(causal), sizes));
  }
  ir::Value* mask = net.input({2, 1, 1, 40});
  net.output(net.node("attention", {q, k, v, mask}, attention_attributes(false), sizes, joined));
  net.output(net.node("attention", {q, k, v, net.constant({40, 40})}, attention_attributes(false), sizes, joined));
  // A mask whose one number is repeated, and one with a mask for each head.
  ir::Value* one = net.input({1, 1});
  ir::Value* repeated = net.node("view", {one}, {{"offset", std::int64_t{0}}}, {40, 40}, {0, 0});
  net.output(net.node("attention", {q, k, v, repeated}, attention_attributes(false), sizes, joined));
  net.output(net.node("attention", {q, k, v, net.input({3, 40, 40})}, attention_attributes(true), sizes, joined));
  expect_plan_computes(net, 1e-5);
}

TEST(Attention, BroadcastAndTurnedOperands) {
  Net net;
  ir::Value* q = net.input({2, 1, 7, 20});
  ir::Value* k = net.input({3, 20, 50});
  ir::Value* turned = net.node("view", {k}, {{"offset", std::int64_t{0}}}, {3, 50, 20}, {1000, 1, 50});
  net.output(net.node("attention", {q, turned, net.constant({50, 33})}, attention_attributes(false), {2, 3, 7, 33}));
  ir::Value* rows = net.input({300, 8});
  net.output(net.node("attention", {rows, rows, rows}, attention_attributes(true), {300, 8}));
  expect_plan_computes(net, 1e-5);
}

TEST(Attention, RowsThatSeeNothing) {
  Net net;
  ir::Value* x = net.input({2, 40, 16});
  const auto hides = expression::Program::parse(
      "f32 (x0) { x1 = constant -inf; x2 = constant 0; x3 = lt x0 x2; x4 = where x3 x1 x2 }");
  ir::Value* rows = net.node("elementwise", {net.input({40, 1})}, {{"program", hides}}, {40, 1});
  ir::Value* mask = net.node("view", {rows}, {{"offset", std::int64_t{0}}}, {40, 40}, {1, 0});
  for (const bool zero_hidden : {false, true})
    net.output(net.node("attention", {x, x, x, mask}, attention_attributes(false, zero_hidden), {2, 40, 16}));
  expect_plan_computes(net, 1e-5);
}

TEST(Attention, ResultsWhoseColumnsLieApart) {
  // The layout pass makes none, but a plan takes any.
  Net net;
  ir::Value* x = net.input({2, 9, 16});
  ir::Value* y = net.node("attention", {x, x, x}, attention_attributes(false), {2, 9, 16}, {144, 1, 9});
  net.output(
      net.node("elementwise", {y}, {{"program", expression::Program::parse("f32 (x0) { x1 = neg x0 }")}}, {2, 9, 16}));
  expect_plan_computes(net, 1e-5);
}

TEST(Softmax, AlongEachDimension) {
  Net net;
  ir::Value* x = net.input({6, 50, 70});
  for (std::int64_t dim = 0; dim < 3; ++dim) {
    net.output(net.node("softmax", {x}, {{"dim", dim}, {"log", false}}, {6, 50, 70}));
    net.output(net.node("softmax", {x}, {{"dim", dim}, {"log", true}}, {6, 50, 70}));
  }
  expect_plan_computes(net, 1e-5);
}

TEST(Reduce, EveryMode) {
  for (const char* mode : {"sum", "mean", "max", "min", "prod", "argmax", "argmin"}) {
    SCOPED_TRACE(mode);
    Net net;
    ir::Value* x = net.input({7, 30, 41});
    const DType dtype = std::string_view(mode).starts_with("arg") ? DType::i64 : DType::f32;
    const ir::Attributes last{{"mode", std::string(mode)}, {"dims", Dims{2}}, {"keepdim", false}};
    const ir::Attributes middle{{"mode", std::string(mode)}, {"dims", Dims{1}}, {"keepdim", true}};
    net.output(net.node("reduce", {x}, last, {7, 30}, {}, dtype));
    net.output(net.node("reduce", {x}, middle, {7, 1, 41}, {}, dtype));
    if (dtype == DType::f32) {
      const ir::Attributes outer{{"mode", std::string(mode)}, {"dims", Dims{0, 2}}, {"keepdim", false}};
      net.output(net.node("reduce", {x}, outer, {30}, {}, dtype));
    }
    expect_plan_computes(net, 1e-5);
  }
}

TEST(Reduce, IntegersAndLogic) {
  Net net;
  ir::Value* x = net.input({9, 40}, DType::i64, 0, 1);
  ir::Value* flags = net.input({9, 40}, DType::boolean, 0, 1);
  const auto attributes = [](const char* mode) {
    return ir::Attributes{{"mode", std::string(mode)}, {"dims", Dims{1}}, {"keepdim", false}};
  };
  net.output(net.node("reduce", {x}, attributes("sum"), {9}, {}, DType::i64));
  net.output(net.node("reduce", {flags}, attributes("any"), {9}, {}, DType::boolean));
  net.output(net.node("reduce", {flags}, attributes("all"), {9}, {}, DType::boolean));
  expect_plan_computes(net);
}

TEST(Gather, EmbeddingAndIndexSelect) {
  Net net;
  ir::Value* table = net.constant({50, 64});
  ir::Value* tokens = net.input({3, 20}, DType::i64, -50, 49);
  net.output(net.node("gather", {table, tokens}, {{"dim", std::int64_t{0}}}, {3, 20, 64}));
  ir::Value* x = net.input({4, 9, 30});
  net.output(net.node("gather", {x, net.constant({6}, DType::i32, 0, 8)}, {{"dim", std::int64_t{1}}}, {4, 6, 30}));
  net.output(
      net.node("gather", {x, net.constant({6}, DType::i64, 0, 29)}, {{"dim", std::int64_t{2}}}, {4, 9, 6}, {1, 4, 36}));
  expect_plan_computes(net);
}

TEST(Copy, PermutesAndExpands) {
  Net net;
  ir::Value* x = net.input({4, 20, 31});
  ir::Value* turned = net.node("view", {x}, {{"offset", std::int64_t{0}}}, {31, 4, 20}, {1, 620, 31});
  net.output(net.node("copy", {turned}, {}, {31, 4, 20}));
  ir::Value* row = net.node("view", {x}, {{"offset", std::int64_t{7}}}, {5, 31}, {0, 1});
  net.output(net.node("copy", {row}, {}, {5, 31}));
  ir::Value* bytes = net.input({30, 40}, DType::u8, 0, 255);
  net.output(net.node("copy", {net.node("view", {bytes}, {{"offset", std::int64_t{0}}}, {40, 30}, {1, 40}, DType::u8)},
                      {}, {40, 30}, {}, DType::u8));
  expect_plan_computes(net);
}

TEST(Pad, EachDimension) {
  Net net;
  ir::Value* x = net.input({2, 5, 13, 14});
  net.output(net.node("pad", {x}, {{"pads", Dims{0, 1, 2, 0, 3, 4, 0, 5}}, {"value", -1.5}}, {3, 7, 20, 19}));
  net.output(net.node("pad", {net.input({6, 7}, DType::i64, -9, 9)}, {{"pads", Dims{1, 1, 0, 0}}, {"value", 3.0}},
                      {8, 7}, {}, DType::i64));
  expect_plan_computes(net);
}

TEST(Concat, WrittenByProducersOrCopied) {
  Net net;
  const Dims sizes{2, 16, 9, 8};
  ir::Value* x = net.channels_last(net.input({2, 16, 9, 8}));
  ir::Value* produced =
      net.node("convolution", {x, net.constant({24, 16, 3, 3})},
               convolution_attributes({1, 1}, {1, 1, 1, 1}, {1, 1}, 1), {2, 24, 9, 8}, image_strides({2, 24, 9, 8}));
  ir::Value* summed = net.elementwise("f32 (x0) { x1 = exp x0 }", {x}, sizes, image_strides(sizes));
  ir::Value* half = net.node("view", {x}, {{"offset", std::int64_t{8}}}, {2, 8, 9, 8}, x->type().strides);
  const Dims joined{2, 72, 9, 8};
  ir::Value* all = net.node("concat", {produced, summed, half, summed, half}, {{"dim", std::int64_t{1}}}, joined,
                            image_strides(joined));
  net.output(all);
  // A concat of concats, along other dimensions.
  const Dims tall{2, 72, 18, 8};
  ir::Value* again = net.node("concat", {all, all}, {{"dim", std::int64_t{2}}}, tall, image_strides(tall));
  const Dims deep{4, 72, 18, 8};
  net.output(net.node("concat", {again, again}, {{"dim", std::int64_t{0}}}, deep, image_strides(deep)));
  expect_plan_computes(net, 1e-5);
}

TEST(Concat, NestedInPlace) {
  Net net;
  const Dims part{1, 8, 10, 10};
  std::vector<ir::Value*> parts;
  for (int i = 0; i < 4; ++i) {
    parts.push_back(
        net.elementwise("f32 (x0) { x1 = exp x0 }", {net.channels_last(net.input(part))}, part, image_strides(part)));
  }
  const Dims two{1, 16, 10, 10};
  const Dims four{1, 32, 10, 10};
  ir::Value* left = net.node("concat", {parts[0], parts[1]}, {{"dim", std::int64_t{1}}}, two, image_strides(two));
  ir::Value* right = net.node("concat", {parts[2], parts[3]}, {{"dim", std::int64_t{1}}}, two, image_strides(two));
  ir::Value* all = net.node("concat", {left, right}, {{"dim", std::int64_t{1}}}, four, image_strides(four));
  const ir::Attributes average{{"mode", std::string("avg")}};
  net.output(net.node("adaptive_pool", {left}, average, {1, 16, 1, 1}, image_strides({1, 16, 1, 1})));
  net.output(net.node("adaptive_pool", {all}, average, {1, 32, 1, 1}, image_strides({1, 32, 1, 1})));
  expect_plan_computes(net, 1e-5);
}

TEST(Outputs, MayBeInputsConstantsViewsAndEachOther) {
  Net net;
  ir::Value* x = net.input({3, 40});
  ir::Value* y = net.elementwise("f32 (x0) { x1 = exp x0 }", {x}, {3, 40});
  net.output(x);
  net.output(net.constant({5}));
  net.output(y);
  net.output(y);
  net.output(net.node("view", {y}, {{"offset", std::int64_t{40}}}, {40}, {1}));
  net.output(net.node("view", {x}, {{"offset", std::int64_t{0}}}, {40, 3}, {1, 40}));
  expect_plan_computes(net);
}

TEST(Outputs, OfSizeZero) {
  Net net;
  ir::Value* x = net.input({0, 40});
  ir::Value* y = net.elementwise("f32 (x0) { x1 = exp x0 }", {x}, {0, 40});
  net.output(y);
  net.output(net.node("concat", {net.input({2, 40}), y}, {{"dim", std::int64_t{0}}}, {2, 40}));
  net.output(net.node("reduce", {y}, {{"mode", std::string("sum")}, {"dims", Dims{0}}, {"keepdim", false}}, {40}));
  expect_plan_computes(net);
}

TEST(Scalars, HaveNoDimensions) {
  Net net;
  ir::Value* x = net.input({});
  net.output(net.elementwise("f32 (x0, x1) { x2 = mul x0 x1 }", {x, net.constant({})}, {}));
  net.output(
      net.node("reduce", {net.input({9})}, {{"mode", std::string("sum")}, {"dims", Dims{0}}, {"keepdim", false}}, {}));
  expect_plan_computes(net);
}

}  // namespace
}  // namespace wherry::runtime
