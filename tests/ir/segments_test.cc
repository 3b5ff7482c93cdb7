// Where graphs can be cut, and what the pieces are. (That they compute what the whole does: batch_plan_test.cc.)

#include "ir/segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ir/ops.h"

namespace wherry::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Graph parse(std::string_view text) {
  Graph graph = parse_graph(text);
  for (Value* constant : graph.constants()) constant->type().strides = contiguous_strides(constant->type().sizes);
  return graph;
}

std::vector<std::string> names_of_waists(const Graph& graph) {
  std::vector<std::string> names;
  for (const Value* value : waists(graph)) names.push_back(value == nullptr ? "" : value->name());
  return names;
}

constexpr std::string_view kResidual = R"(graph(%x: float32[2, 4]{4, 1}) {
  %w = constant float32[4, 4] uniform(1)
  %a: float32[2, 4]{4, 1} = matmul(%x, %w)
  %b: float32[2, 4]{4, 1} = copy(%a)
  %c: float32[2, 4]{4, 1} = matmul(%b, %w)
  %d: float32[2, 4]{4, 1} = elementwise(%c, %a) program="f32 (x0, x1) { x2 = add x0 x1 }"
  %e: float32[2, 4]{4, 1} = matmul(%d, %w)
  return %e as y
})";

TEST(Segments, AreCutWhereOneValuePasses) {
  EXPECT_THAT(names_of_waists(parse(kResidual)), ElementsAre("", "a", "", "", "d", ""));
}

TEST(Segments, AreNotCutAcrossInputsOutputsAndOtherOrders) {
  EXPECT_THAT(names_of_waists(parse(R"(graph(%x: float32[2, 4]{4, 1}, %m: float32[2, 4]{4, 1}) {
  %a: float32[2, 4]{4, 1} = copy(%x)
  %b: float32[2, 4]{4, 1} = elementwise(%a, %m) program="f32 (x0, x1) { x2 = add x0 x1 }"
  %c: float32[2, 4]{4, 1} = copy(%b)
  return %c as y
})")),
              ElementsAre("", "", "b", ""))
      << "a mask is wanted later";
  EXPECT_THAT(names_of_waists(parse(R"(graph(%x: float32[2, 4]{4, 1}) {
  %a: float32[2, 4]{4, 1} = copy(%x)
  %b: float32[2, 4]{4, 1} = copy(%a)
  %c: float32[2, 4]{4, 1} = copy(%b)
  return %b as y, %c as z
})")),
              ElementsAre("", "a", "", ""))
      << "an output is made early";
  EXPECT_THAT(names_of_waists(parse(R"(graph(%x: float32[2, 4, 3]{12, 3, 1}) {
  %a: float32[2, 4, 3]{1, 6, 2} = copy(%x)
  %b: float32[2, 4, 3]{12, 1, 4} = copy(%a)
  %c: float32[2, 4, 3]{16, 4, 1} = copy(%b)
  %d: float32[2, 4, 3]{12, 3, 1} = copy(%c)
  return %d as y
})")),
              ElementsAre("", "", "b", "", ""))
      << "the batch is innermost, and memory has gaps";
}

TEST(Segments, TakeWhatPassesAndShareConstants) {
  const Graph graph = parse(kResidual);
  const Graph first = segment(graph, 0, 1), second = segment(graph, 1, 4), third = segment(graph, 4, 5);
  EXPECT_EQ(first.node_count() + second.node_count() + third.node_count(), graph.node_count());
  ASSERT_EQ(second.inputs().size(), 1u);
  EXPECT_EQ(second.inputs()[0]->name(), "a");
  EXPECT_EQ(second.inputs()[0]->type(), first.outputs()[0]->type());
  EXPECT_EQ(second.outputs()[0]->name(), "d");
  EXPECT_EQ(third.output_names()[0], "y");
  EXPECT_EQ(first.constants()[0]->constant(), third.constants()[0]->constant());
  EXPECT_EQ(third.constants()[0]->type().strides, (Dims{4, 1}));
  EXPECT_THAT(print(second), HasSubstr("elementwise"));
  EXPECT_THAT(print(second), Not(HasSubstr("%x")));
}

TEST(Segments, OfAllNodesIsTheGraph) {
  const Graph graph = parse(kResidual);
  EXPECT_EQ(print(segment(graph, 0, graph.node_count())), print(graph));
}

}  // namespace
}  // namespace wherry::ir
