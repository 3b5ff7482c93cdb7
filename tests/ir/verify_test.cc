// The verifier lets sound graphs pass and names what is broken in others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/ops.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

std::string complaint(const Graph& graph) {
  try {
    verify(graph);
    return "";
  } catch (const InternalError& error) {
    return error.what();
  }
}

std::string complaint(const std::string& nodes) {
  return complaint(parse_graph("graph(%x: float32[2, 3], %y: float32[2, 3]) {\n" + nodes + "}"));
}

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Verify, AcceptsSoundGraphs) {
  EXPECT_THAT(complaint("%z: float32[2, 3] = aten::add(%x, %y)\nreturn %z as z"), IsEmpty());
  EXPECT_THAT(complaint("return %x as z"), IsEmpty());
  // Results nobody wants may be left out; a program stores whatever dtype the output has.
  EXPECT_THAT(
      complaint("%z: float32[2, 3] = aten::native_layer_norm(%x) normalized_shape=[3] eps=1e-05\nreturn %z as z"),
      IsEmpty());
  EXPECT_THAT(
      complaint("%z: bool[2, 3] = elementwise(%x, %y) program=`f32 (x0, x1) { x2 = lt x0 x1 }`\nreturn %z as z"),
      IsEmpty());
}

TEST(Verify, CatchesWrongTypes) {
  EXPECT_THAT(complaint("%z: float32[3, 2] = aten::add(%x, %y)\nreturn %z as z"),
              HasSubstr("float32[3, 2], the op makes float32[2, 3]"));
  EXPECT_THAT(complaint("%z: float64[2, 3] = aten::add(%x, %y)\nreturn %z as z"), HasSubstr("float64"));
  EXPECT_THAT(complaint("%z: float32[2, 3], %w: float32[2, 3] = aten::add(%x, %y)\nreturn %z as z"),
              HasSubstr("2 outputs"));
  EXPECT_THAT(complaint("%z: float32[2, 3] = aten::add(%x, %y)  # net.py:3 a.b\n%u: float32[2] = aten::relu(%z)  # "
                        "net.py:4 c\nreturn %z as z"),
              HasSubstr("aten::relu (net.py:4 c)"));
}

TEST(Verify, CatchesUnknownOpsAndBadArguments) {
  EXPECT_THAT(complaint("%z: float32[2, 3] = frobnicate(%x)\nreturn %z as z"), HasSubstr("frobnicate"));
  EXPECT_THAT(complaint("%z: float32[2] = aten::select(%x) dim=5 index=0\nreturn %z as z"), HasSubstr("dimension 5"));
}

TEST(Verify, CatchesUseBeforeDefinition) {
  Graph graph;
  Value* x = graph.add_input("x", {DType::f32, {2}, {}});
  Node* first = record(graph, "aten::relu", {x}, {});
  Node* second = record(graph, "aten::neg", {x}, {});
  graph.add_output(second->output(), "y");
  EXPECT_THAT(complaint(graph), IsEmpty());
  first->set_input(0, second->output());
  EXPECT_THAT(complaint(graph), HasSubstr("aten::relu: input 0 is used before it is defined"));
}

TEST(Verify, CatchesValuesOfAnotherGraph) {
  Graph other, graph;
  Value* foreign = other.add_input("x", {DType::f32, {2}, {}});
  graph.add_output(record(graph, "aten::relu", {foreign}, {})->output(), "y");
  EXPECT_THAT(complaint(graph), HasSubstr("before it is defined"));
}

TEST(Verify, ViewsStayInsideTheirMemory) {
  EXPECT_THAT(complaint("%z: float32[3, 2]{1, 3} = view(%x) offset=0\nreturn %z as z"), IsEmpty());
  EXPECT_THAT(complaint("%z: float32[2]{1} = view(%x) offset=4\nreturn %z as z"), IsEmpty());
  EXPECT_THAT(complaint("%z: float32[3]{1} = view(%x) offset=4\nreturn %z as z"), HasSubstr("offset 4"));
  EXPECT_THAT(complaint("%z: float32[3]{1} = view(%x) offset=-1\nreturn %z as z"), HasSubstr("offset -1"));
  EXPECT_THAT(complaint("%z: int64[2]{1} = view(%x) offset=0\nreturn %z as z"), HasSubstr("dtype"));
  // A view of a view reaches what lies below both.
  EXPECT_THAT(complaint("%a: float32[1]{1} = view(%x) offset=2\n%z: float32[4]{1} = view(%a) offset=0\nreturn %z as z"),
              IsEmpty());
  EXPECT_THAT(complaint("%a: float32[1]{1} = view(%x) offset=3\n%z: float32[4]{1} = view(%a) offset=0\nreturn %z as z"),
              HasSubstr("offset 3"));
}

}  // namespace
}  // namespace wherry::ir
