// The text form: what is printed reads back as the same graph; what is malformed is refused with its place.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/ops.h"
#include "tensor/elements.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

constexpr std::string_view kText = R"(graph(%x: float32[1, 3, 8, 8], %mask: bool[8]) {
  %w = constant float32[16, 3, 3, 3] uniform(1)
  %w2 = constant float32[16, 3, 3, 3] uniform(1)
  %var = constant float32[16] uniform(2, 0.5, 1.5)
  %b = constant float32[3] [1, -0.5, inf]
  %c = constant int64[2, 2] [1, 2, 3, -4]
  %e = constant float32[0] []
  %layer.weight = constant bfloat16[2, 100] "data/3 \"quoted\""
  %0: float32[1, 16, 6, 6] = convolution(%x, %w, none) dilation=[1, 1] epilogue=`f32 (x0) { x1 = relu x0 }` groups=1 padding=[0, 0, 0, 0] stride=[1, 1]  # net.py:12 features.0
  %y: float32[1, 16, 6, 6]{576, 1, 96, 16}, %1: int64[] = op(%0, none, %c) a=1e-05 b=-3 c=2.0 d=float16 e="text \\ #" f=float[0.5, 2.0] g=bool[true, false] h=[] i=none j=true k=-inf  # layer1.0
  return %y as output, %1 as "odd name"
}
)";

TEST(Text, PrintsWhatItParsed) { EXPECT_EQ(print(parse_graph(kText)), kText); }

TEST(Text, ParsesValuesAttributesAndSources) {
  const Graph graph = parse_graph(kText);
  ASSERT_EQ(graph.inputs().size(), 2u);
  EXPECT_EQ(graph.inputs()[1]->type(), (TensorType{DType::boolean, {8}, {}}));
  ASSERT_EQ(graph.node_count(), 2u);
  const Node* conv = graph.nodes()[0];
  EXPECT_EQ(conv->input(1), graph.constants()[0]);
  EXPECT_EQ(conv->input(2), nullptr);
  EXPECT_EQ(conv->inputs().size(), 3u);
  EXPECT_EQ(conv->source().file, "net.py");
  EXPECT_EQ(conv->source().line, 12);
  EXPECT_EQ(conv->source().module, "features.0");
  EXPECT_EQ(conv->program("epilogue").code.size(), 1u);
  EXPECT_EQ(conv->output()->name(), "");
  const Node* op = graph.nodes()[1];
  EXPECT_EQ(op->source().module, "layer1.0");
  EXPECT_EQ(op->source().file, "");
  EXPECT_EQ(op->output(0)->type().strides, (Dims{576, 1, 96, 16}));
  EXPECT_EQ(op->number("a"), 1e-5);
  EXPECT_EQ(op->integer("b"), -3);
  EXPECT_TRUE(std::holds_alternative<double>(op->attributes().find("c")->second));
  EXPECT_EQ(op->text("e"), "text \\ #");
  EXPECT_FALSE(op->has("i"));
  EXPECT_EQ(graph.output_names()[1], "odd name");
}

TEST(Text, ConstantsAreWhatTheirDescriptionSays) {
  const Graph graph = parse_graph(R"(graph() {
    %a = constant float32[3] ones
    %b = constant int32[2] zeros
    %c = constant float32[1000] uniform(7)
    %d = constant float32[1000] uniform(7, 2, 3)
    %e = constant float16[2] [0.5, -2]
    %f = constant int64[50] uniform(3)
    return })");
  const auto constants = graph.constants();
  EXPECT_THAT(constants[0]->constant()->get().values<float>(), testing::Each(1.0f));
  EXPECT_THAT(constants[1]->constant()->get().values<std::int32_t>(), testing::Each(0));
  const Tensor c = constants[2]->constant()->get(), d = constants[3]->constant()->get();
  EXPECT_THAT(c.values<float>(), testing::Each(testing::AllOf(testing::Ge(-1.0f), testing::Lt(1.0f))));
  EXPECT_THAT(d.values<float>(), testing::Each(testing::AllOf(testing::Ge(2.0f), testing::Le(3.0f))));
  EXPECT_NE(c.values<float>()[0], c.values<float>()[1]);
  const Tensor e = constants[4]->constant()->get();
  EXPECT_EQ(tensor::load_double(e.data(), e.dtype(), 1), -2.0);
  EXPECT_THAT(constants[5]->constant()->get().values<std::int64_t>(),
              testing::Each(testing::AllOf(testing::Ge(0), testing::Le(9))));
}

TEST(Text, NamesStayUniqueAndPlain) {
  Graph graph;
  const TensorType type = {DType::f32, {2}, {}};
  for (const auto* name : {"x", "x", "a b", "7", "", "x_1"}) graph.add_input(name, type);
  graph.add_output(graph.inputs()[1], "");
  EXPECT_EQ(print(graph),
            "graph(%x: float32[2], %x_1: float32[2], %a_b: float32[2], %_7: float32[2], %0: float32[2], %x_1_1: "
            "float32[2]) {\n"
            "  return %x_1 as \"\"\n}\n");
}

TEST(Text, BlanksAndCommentsMayStandAnywhere) {
  const Graph graph = parse_graph(
      "# a comment\n graph ( %x : float32[ 2 ] )\n{ # another\n\n%y: float32[2] =\naten::relu( %x )\n return\n%y as y "
      "} # end");
  EXPECT_EQ(graph.nodes()[0]->op(), "aten::relu");
  EXPECT_EQ(to_string(graph.nodes()[0]->source()), "");
}

struct Broken {
  std::string_view text, message;
};

TEST(Text, ErrorsNameLineAndColumn) {
  const Broken cases[] = {
      {"", "line 1, column 1"},
      {"graph(", "line 1, column 7"},
      {"graph(%x: float33[2]) { return }", "line 1, column 11: found \"float33[2]) { return\", expected a dtype"},
      {"graph(%x: float32[2]) {\n  %y: float32[2] = aten::relu(%z)\n return }", "line 2, column 31"},
      {"graph(%x: float32[2]) {\n  %x: float32[2] = aten::relu(%x)\n return }", "defined above"},
      {"graph() { %c = constant float32[2] [1]\n return }", "2 values"},
      {"graph() { %c = constant float32[2] twos\n return }", "zeros, ones"},
      {"graph() { %c = constant float32[2] uniform(x)\n return }", "zeros, ones"},
      {"graph(%x: float32[2]) { %y: float32[2] = op(%x) a=\n return }", "line 2"},
      {"graph(%x: float32[2]) { %y: float32[2] = op(%x) a=\"b\n return }", "closing"},
      {"graph(%x: float32[2]{1, 1}) { return }", "as many strides"},
      {"graph(%x: float32[99999999999, 99999999999]) { return }", "sizes that a tensor can have"},
      {"graph(%x: float32[-2]) { return }", "sizes that a tensor can have"},
      {"graph(%x: float32[2]) { return %x }", "\"as\""},
      {"graph(%x: float32[2]) { return %x as y } more", "the end"},
      {"graph(%x: float32[2]) { %y: float32[2] = op(%x %x)\n return }", "\",\" or \")\""},
  };
  for (const Broken& broken : cases) {
    try {
      parse_graph(broken.text);
      ADD_FAILURE() << broken.text;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(broken.message))) << broken.text;
    }
  }
}

/// Every prefix of a valid text is refused or read, never more.
TEST(Text, TruncatedTextIsRefused) {
  for (std::size_t length = 0; length + 2 < kText.size(); ++length)
    EXPECT_THROW(parse_graph(kText.substr(0, length)), InvalidInput) << length;
}

}  // namespace
}  // namespace wherry::ir
