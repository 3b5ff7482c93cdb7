// Type inference where PyTorch is no oracle: the core ops, the messages, what wherry refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/ops.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

using testing::HasSubstr;

/// The inferred types of the only node of a graph given as "inputs | node".
std::string inferred(const std::string& inputs, const std::string& node) {
  const Graph graph = parse_graph("graph(" + inputs + ") {\n%result: float32[] = " + node + "\nreturn %result as r }");
  std::vector<const TensorType*> types;
  for (const Value* input : graph.nodes().front()->inputs()) types.push_back(input ? &input->type() : nullptr);
  std::string text;
  for (const auto& type : infer_types(graph.nodes().front()->op(), types, graph.nodes().front()->attributes()))
    text += (text.empty() ? "" : ", ") + to_string(type);
  return text;
}

template <typename E>
std::string message(const std::string& inputs, const std::string& node) {
  try {
    return "no error, but " + inferred(inputs, node);
  } catch (const E& error) {
    return error.what();
  }
}

TEST(Infer, MessagesNameOpAndShapes) {
  EXPECT_EQ(message<InvalidModel>("%x: float32[1, 4, 224, 224], %w: float32[64, 3, 7, 7]",
                                  "aten::conv2d(%x, %w) stride=[2, 2] padding=[3, 3] dilation=[1, 1] groups=1"),
            "aten::conv2d: input [1, 4, 224, 224] has 4 channels, weight [64, 3, 7, 7] needs 3");
  EXPECT_EQ(message<InvalidModel>("%x: float32[2, 3], %y: float32[4, 3]", "aten::add(%x, %y)"),
            "aten::add: shapes [2, 3] and [4, 3] do not broadcast: sizes must be equal or 1");
  EXPECT_THAT(message<InvalidModel>("%x: float32[2, 3]", "aten::select(%x) dim=1 index=3"), HasSubstr("[2, 3]"));
}

TEST(Infer, RefusesWhatIsTrainingOrDependsOnValues) {
  EXPECT_THAT(message<Unsupported>("%x: float32[2, 3]", "aten::dropout(%x) p=0.5 train=true"), HasSubstr("dropout"));
  EXPECT_THAT(message<Unsupported>("%x: float32[2, 3]", "aten::batch_norm(%x) training=true momentum=0.1 eps=1e-05"),
              HasSubstr("training"));
  EXPECT_THAT(message<Unsupported>("%x: float32[2, 3], %m: bool[2, 3]", "aten::index(%x, %m)"), HasSubstr("bools"));
  EXPECT_THAT(message<Unsupported>("%x: float32[2, 3]", "aten::as_strided(%x) size=[2, 2] stride=[3, 1]"),
              HasSubstr("[2, 2]"));
  EXPECT_EQ(inferred("%x: float32[2, 3]", "aten::as_strided(%x) size=[3, 2] stride=[2, 1]"), "float32[3, 2]");
  EXPECT_THAT(message<Unsupported>("%x: float32[2, 3]", "aten::frobnicate(%x)"), HasSubstr("aten::frobnicate"));
}

TEST(Infer, CoreConvolution) {
  const std::string node = " stride=[2, 2] padding=[3, 2, 3, 2] dilation=[1, 1] groups=1";
  EXPECT_EQ(inferred("%x: float32[1, 3, 224, 224], %w: float32[64, 3, 7, 7], %b: float32[64]",
                     "convolution(%x, %w, %b)" + node),
            "float32[1, 64, 112, 112]");
  EXPECT_EQ(inferred("%x: float32[1, 3, 8, 8], %w: float32[4, 3, 1, 1], %r: float32[1, 4, 8, 8]",
                     "convolution(%x, %w, none, %r) stride=[1, 1] padding=[0, 0, 0, 0] dilation=[1, 1] groups=1"),
            "float32[1, 4, 8, 8]");
  EXPECT_THAT(message<InvalidModel>(
                  "%x: float32[1, 3, 8, 8], %w: float32[4, 3, 1, 1], %r: float32[1, 5, 8, 8]",
                  "convolution(%x, %w, none, %r) stride=[1, 1] padding=[0, 0, 0, 0] dilation=[1, 1] groups=1"),
              HasSubstr("broadcast"));
  EXPECT_THAT(message<InvalidModel>("%x: float32[3, 8, 8], %w: float32[4, 3, 1, 1]", "convolution(%x, %w)" + node),
              HasSubstr("needs 4"));
}

TEST(Infer, CoreAttention) {
  const std::string node = " scale=0.5 causal=false zero_hidden=false";
  const std::string operands = "%q: float32[2, 1, 5, 7], %k: float32[3, 6, 7], %v: float32[3, 6, 4]";
  EXPECT_EQ(inferred(operands, "attention(%q, %k, %v)" + node), "float32[2, 3, 5, 4]");
  EXPECT_EQ(inferred(operands + ", %m: float32[2, 1, 1, 6]", "attention(%q, %k, %v, %m)" + node),
            "float32[2, 3, 5, 4]");
  EXPECT_THAT(message<InvalidModel>(operands + ", %m: bool[5, 6]", "attention(%q, %k, %v, %m)" + node),
              HasSubstr("accepted are float32 addends"));
  EXPECT_THAT(message<InvalidModel>(operands + ", %m: float32[5, 1]", "attention(%q, %k, %v, %m)" + node),
              HasSubstr("for all keys"));
  EXPECT_THAT(
      message<InvalidModel>("%q: float32[5, 7], %k: float32[6, 7], %v: float32[7]", "attention(%q, %k, %v)" + node),
      HasSubstr("2 dimensions"));
}

TEST(Infer, CoreMatmulAndNorms) {
  EXPECT_EQ(inferred("%a: float32[2, 1, 5, 7], %b: float32[3, 7, 4], %c: float32[4]", "matmul(%a, %b, %c)"),
            "float32[2, 3, 5, 4]");
  EXPECT_THAT(message<InvalidModel>("%a: float32[7], %b: float32[7, 4]", "matmul(%a, %b)"), HasSubstr("2 dimensions"));
  EXPECT_EQ(inferred("%x: float32[2, 5, 8], %w: float32[8]", "layer_norm(%x, %w, none) dims=1 eps=1e-05"),
            "float32[2, 5, 8]");
  EXPECT_THAT(message<InvalidModel>("%x: float32[8]", "layer_norm(%x) dims=2 eps=1e-05"), HasSubstr("dims"));
  EXPECT_EQ(inferred("%x: float32[2, 6, 8]", "group_norm(%x) groups=3 eps=1e-05"), "float32[2, 6, 8]");
  EXPECT_EQ(inferred("%x: float32[2, 6]", "softmax(%x) dim=-1 log=false"), "float32[2, 6]");
}

TEST(Infer, CorePooling) {
  EXPECT_EQ(inferred("%x: float32[1, 64, 112, 112]",
                     "pool(%x) mode=\"max\" kernel=[3, 3] stride=[2, 2] padding=[1, 1, 1, 1] dilation=[1, 1]"),
            "float32[1, 64, 56, 56]");
  EXPECT_THAT(message<InvalidModel>("%x: float32[1, 64, 9, 9]",
                                    "pool(%x) mode=\"min\" kernel=[3, 3] stride=[2, 2] padding=[1, 1, 1, 1]"),
              HasSubstr("min"));
  EXPECT_EQ(inferred("%x: float32[1, 64, 7, 7]", "adaptive_pool(%x) mode=\"avg\" output_size=[1, 1]"),
            "float32[1, 64, 1, 1]");
}

TEST(Infer, CoreViewsAndReductions) {
  EXPECT_EQ(inferred("%x: float32[2, 3, 4]", "reshape(%x) sizes=[6, 4]"), "float32[6, 4]");
  EXPECT_EQ(inferred("%x: float32[2, 3, 4]", "permute(%x) dims=[2, 0, 1]"), "float32[4, 2, 3]");
  EXPECT_EQ(inferred("%x: float32[2, 9]", "slice(%x) dim=1 start=1 end=8 step=3"), "float32[2, 3]");
  EXPECT_THAT(message<InvalidModel>("%x: float32[2, 9]", "slice(%x) dim=1 start=1 end=10 step=1"), HasSubstr("end 10"));
  EXPECT_EQ(inferred("%x: float32[3, 1]", "expand(%x) sizes=[2, 3, 4]"), "float32[2, 3, 4]");
  EXPECT_EQ(inferred("%x: float32[2, 3]{1, 2}", "copy(%x)"), "float32[2, 3]");
  EXPECT_EQ(inferred("%x: float32[2, 3, 4]", "reduce(%x) mode=\"mean\" dims=[1, 2] keepdim=true"), "float32[2, 1, 1]");
  EXPECT_EQ(inferred("%x: float32[2, 3, 4]", "reduce(%x) mode=\"argmax\" dims=[-1] keepdim=false"), "int64[2, 3]");
  EXPECT_EQ(inferred("%x: float32[2, 3]", "reduce(%x) mode=\"max\" dims=[] keepdim=false"), "float32[2, 3]");
}

TEST(Infer, CoreGatherConcatPadElementwise) {
  EXPECT_EQ(inferred("%t: float32[10, 8], %i: int64[2, 5]", "gather(%t, %i) dim=0"), "float32[2, 5, 8]");
  EXPECT_EQ(inferred("%t: float32[3, 10, 8], %i: int64[4]", "gather(%t, %i) dim=1"), "float32[3, 4, 8]");
  EXPECT_EQ(inferred("%x: float32[2, 3], %y: float32[2, 5]", "concat(%x, %y) dim=1"), "float32[2, 8]");
  EXPECT_THAT(message<InvalidModel>("%x: float32[2, 3], %y: int64[2, 5]", "concat(%x, %y) dim=1"), HasSubstr("int64"));
  EXPECT_EQ(inferred("%x: float32[2, 3]", "pad(%x) pads=[0, 1, 2, 3] value=0.0"), "float32[3, 8]");
  EXPECT_THAT(message<InvalidModel>("%x: float32[2, 3]", "pad(%x) pads=[0, -1, 0, 0]"), HasSubstr("negative"));
  EXPECT_EQ(
      inferred("%x: float32[2, 1], %y: float32[3]", "elementwise(%x, %y) program=`f32 (x0, x1) { x2 = add x0 x1 }`"),
      "float32[2, 3]");
  EXPECT_THAT(message<InvalidModel>("%x: float32[2]", "elementwise(%x) program=`f32 (x0, x1) { x2 = add x0 x1 }`"),
              HasSubstr("2 operands"));
}

TEST(Infer, RecordWritesShorthandsOut) {
  Graph graph;
  Value* x = graph.add_input("x", {DType::f32, {1, 3, 9, 9}, {}});
  Value* w = graph.add_input("w", {DType::f32, {4, 3, 3, 3}, {}});
  Node* conv =
      record(graph, "aten::conv2d", {x, w, nullptr},
             {{"stride", Dims{2}}, {"padding", std::int64_t{1}}, {"dilation", Dims{1}}, {"groups", std::int64_t{1}}});
  EXPECT_EQ(conv->integers("stride"), (Dims{2, 2}));
  EXPECT_EQ(conv->integers("padding"), (Dims{1, 1}));
  EXPECT_EQ(conv->output()->type().sizes, (Dims{1, 4, 5, 5}));
  Node* pool = record(graph, "aten::max_pool2d", {x},
                      {{"kernel_size", Dims{3}},
                       {"stride", Dims{}},
                       {"padding", Dims{0}},
                       {"dilation", Dims{1}},
                       {"ceil_mode", false}});
  EXPECT_EQ(pool->integers("kernel_size"), (Dims{3, 3}));
  EXPECT_EQ(pool->integers("stride"), (Dims{3, 3}));
  EXPECT_EQ(pool->integers("padding"), (Dims{0, 0}));
}

TEST(Infer, EvaluateKnowsItsLimits) {
  const TensorType big = {DType::f32, {1000, 1000}, {}};
  const Attributes attributes = {{"size", Dims{1000, 1000}}, {"dtype", std::monostate{}}};
  EXPECT_TRUE(can_evaluate("aten::zeros"));
  EXPECT_FALSE(can_evaluate("aten::conv2d"));
  EXPECT_FALSE(can_evaluate("aten::frobnicate"));
  EXPECT_TRUE(evaluate("aten::zeros", {}, attributes, std::vector<TensorType>{big}).has_value());
  EXPECT_FALSE(evaluate("aten::zeros", {}, attributes, std::vector<TensorType>{big}, 999999).has_value());
  EXPECT_FALSE(evaluate("convolution", {}, {}, std::vector<TensorType>{big}).has_value());
}

TEST(Infer, EvaluateChecksIndices) {
  const Tensor table = Tensor::of<float>({2}, std::vector<float>{1, 2});
  const Tensor index = Tensor::of<std::int64_t>({2}, std::vector<std::int64_t>{0, 2});
  const Tensor* inputs[] = {&table, &index};
  EXPECT_THROW(evaluate("aten::index", inputs, {}, std::vector<TensorType>{{DType::f32, {2}, {}}}), InvalidModel);
  EXPECT_THROW(evaluate("gather", inputs, {{"dim", std::int64_t{0}}}, std::vector<TensorType>{{DType::f32, {2}, {}}}),
               InvalidModel);
}

}  // namespace
}  // namespace wherry::ir
