// Edits of the graph: use lists stay exact, what is dead goes, what is shared is shared.

#include "ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/ops.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const TensorType kType = {DType::f32, {2, 3}, {}};

Tensor numbers(std::vector<float> values) {
  return Tensor::of<float>({static_cast<std::int64_t>(values.size())}, values);
}

TEST(Graph, UsersHoldOneEntryPerUse) {
  Graph graph;
  Value* x = graph.add_input("x", kType);
  Node* twice = record(graph, "aten::mul", {x, x}, {});
  Node* relu = record(graph, "aten::relu", {x}, {});
  EXPECT_THAT(x->users(), ElementsAre(twice, twice, relu));
  twice->set_input(1, relu->output());
  EXPECT_THAT(x->users(), testing::UnorderedElementsAre(twice, relu));
  EXPECT_THAT(relu->output()->users(), ElementsAre(twice));
  twice->truncate_inputs(1);
  EXPECT_THAT(relu->output()->users(), IsEmpty());
  twice->add_input(nullptr);
  EXPECT_EQ(twice->input(1), nullptr);
  EXPECT_EQ(twice->input(7), nullptr);
}

TEST(Graph, ReplaceUsesMovesReadersAndOutputs) {
  Graph graph;
  Value* x = graph.add_input("x", kType);
  Value* y = graph.add_input("y", kType);
  Node* add = record(graph, "aten::add", {x, x}, {});
  graph.add_output(x, "unchanged");
  graph.add_output(add->output(), "sum");
  graph.replace_uses(x, y);
  EXPECT_THAT(x->users(), IsEmpty());
  EXPECT_THAT(y->users(), ElementsAre(add, add));
  EXPECT_THAT(add->inputs(), ElementsAre(y, y));
  EXPECT_THAT(graph.outputs(), ElementsAre(y, add->output()));
  EXPECT_TRUE(graph.is_output(y));
  EXPECT_FALSE(graph.is_output(x));
  verify(graph);
}

TEST(Graph, InsertsBeforeANode) {
  Graph graph;
  Value* x = graph.add_input("x", kType);
  Node* last = record(graph, "aten::relu", {x}, {});
  Node* first = record(graph, "aten::neg", {x}, {}, {}, last);
  last->set_input(0, first->output());
  EXPECT_THAT(graph.nodes(), ElementsAre(first, last));
  graph.add_output(last->output(), "y");
  verify(graph);
}

TEST(Graph, OneValuePerConstant) {
  Graph graph;
  Value* a = graph.add_constant(numbers({1, 2}), "a");
  EXPECT_EQ(a, graph.add_constant(numbers({1, 2}), "again"));
  EXPECT_NE(a, graph.add_constant(numbers({1, 3})));
  EXPECT_EQ(a->name(), "a");
  EXPECT_TRUE(a->is_constant());
  EXPECT_EQ(graph.constants().size(), 2u);
}

TEST(Graph, EqualKeysOfDifferentTypesAreDifferentConstants) {
  Graph graph;
  const auto make = [](Dims sizes) {
    return std::make_shared<tensor::LazyTensor>("w", DType::f32, sizes,
                                                [=] { return Tensor::zeros(DType::f32, sizes); });
  };
  EXPECT_NE(graph.add_constant(make({6})), graph.add_constant(make({2, 3})));
}

TEST(Graph, EraseDeadRemovesChainsAndTheirConstants) {
  Graph graph;
  Value* x = graph.add_input("x", kType);
  Value* live = graph.add_constant(numbers({1, 2, 3}));
  Value* dead = graph.add_constant(numbers({4, 5, 6}));
  Node* kept = record(graph, "aten::add", {x, live}, {});
  Node* chain = record(graph, "aten::add", {kept->output(), dead}, {});
  record(graph, "aten::relu", {chain->output()}, {});
  graph.add_output(kept->output(), "y");
  EXPECT_EQ(graph.erase_dead(), 2u);
  EXPECT_THAT(graph.nodes(), ElementsAre(kept));
  EXPECT_THAT(graph.constants(), ElementsAre(live));
  EXPECT_THAT(graph.inputs(), ElementsAre(x));
  EXPECT_THAT(kept->output()->users(), IsEmpty());
  // The dead constant's identity is free again.
  EXPECT_EQ(graph.add_constant(numbers({4, 5, 6}))->users().size(), 0u);
  EXPECT_EQ(graph.erase_dead(), 0u);
  verify(graph);
}

TEST(Graph, EraseRefusesANodeThatIsRead) {
  Graph graph;
  Node* neg = record(graph, "aten::neg", {graph.add_input("x", kType)}, {});
  graph.add_output(neg->output(), "y");
  EXPECT_THROW(graph.erase(neg), InternalError);
}

TEST(Graph, SurvivesBeingMoved) {
  Graph graph;
  Value* x = graph.add_input("x", kType);
  Node* relu = record(graph, "aten::relu", {x}, {});
  graph.add_output(relu->output(), "y");
  Graph moved = std::move(graph);
  EXPECT_THAT(moved.nodes(), ElementsAre(relu));
  EXPECT_EQ(moved.inputs().front(), x);
  verify(moved);
}

TEST(Node, AttributeAccessNamesWhatIsWrong) {
  Graph graph;
  Node* node =
      graph.add_node("op", {}, {{"count", std::int64_t{3}}, {"rate", 0.5}, {"nothing", std::monostate{}}}, {kType});
  EXPECT_EQ(node->integer("count"), 3);
  EXPECT_EQ(node->number("count"), 3.0);
  EXPECT_EQ(node->number("rate"), 0.5);
  EXPECT_TRUE(node->has("rate"));
  EXPECT_FALSE(node->has("nothing"));
  EXPECT_FALSE(node->has("absent"));
  for (const auto name : {"rate", "absent"}) {
    try {
      node->integer(name);
      FAIL() << name;
    } catch (const InternalError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("op"), testing::HasSubstr(name)));
    }
  }
}

TEST(Graph, DescribesTypesAndSources) {
  EXPECT_EQ(to_string(TensorType{DType::f32, {1, 3}, {}}), "float32[1, 3]");
  EXPECT_EQ(to_string(TensorType{DType::i64, {1, 3}, {3, 1}}), "int64[1, 3]{3, 1}");
  EXPECT_EQ(to_string(Source{"layer1.0", "net.py", 12}), "net.py:12 layer1.0");
  EXPECT_EQ(to_string(Source{"layer1.0", "", 0}), "layer1.0");
  EXPECT_EQ(to_string(Source{}), "");
}

}  // namespace
}  // namespace wherry::ir
