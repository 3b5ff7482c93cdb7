// Which graphs may run a batch in slices. Each is written once, with {N} for the batch and {5N} for five times as much,
// and read for 6 elements and for slices of 4, 2 and 1.

#include "ir/batch_slices.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <string_view>

#include "ir/ops.h"

namespace wherry::ir {
namespace {

using testing::HasSubstr;

Graph with_batch(std::string_view text, std::int64_t batch) {
  std::string filled;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t end = i + 1;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (text[i] != '{' || text.substr(end, 2) != "N}") {
      filled += text[i];
      continue;
    }
    const std::string factor(text.substr(i + 1, end - i - 1));
    filled += std::to_string((factor.empty() ? 1 : std::stoll(factor)) * batch);
    i = end + 1;
  }
  Graph graph = parse_graph(filled);
  // The text form has no strides for constants.
  for (Value* constant : graph.constants()) constant->type().strides = contiguous_strides(constant->type().sizes);
  return graph;
}

std::string obstacle(std::string_view text, std::int64_t slice = 2) {
  return obstacle_to_slices(with_batch(text, 6), with_batch(text, slice)).value_or("");
}

void expect_slices(std::string_view text) {
  for (const std::int64_t slice : {4, 2, 1}) EXPECT_EQ(obstacle(text, slice), "") << "slices of " << slice;
}

constexpr std::string_view kWindow =
    R"(count_include_pad=false dilation=[1, 1] divisor=0 kernel=[2, 2] mode="max" padding=[0, 0, 0, 0] stride=[2, 2])";
constexpr std::string_view kConvolution = "dilation=[1, 1] groups=1 padding=[1, 1, 1, 1] stride=[1, 1]";

TEST(BatchSlices, ConvolutionalNetwork) {
  expect_slices(fmt::format(R"(graph(%x: float32[{{N}}, 3, 8, 8]{{192, 64, 8, 1}}) {{
  %w = constant float32[4, 3, 3, 3] uniform(1)
  %b = constant float32[4] uniform(2)
  %s = constant float32[4, 1, 1] uniform(3)
  %l = constant float32[4, 5] uniform(4)
  %i: float32[{{N}}, 3, 8, 8]{{192, 1, 24, 3}} = copy(%x)
  %p: float32[{{N}}, 3, 8, 8]{{192, 1, 24, 3}} = pad(%i) pads=[0, 0, 0, 0, 0, 0, 0, 0] value=0.0
  %y: float32[{{N}}, 4, 8, 8]{{256, 1, 32, 4}} = convolution(%p, %w, %b) {0}
  %z: float32[{{N}}, 4, 8, 8]{{256, 1, 32, 4}} = convolution(%p, %w, none, %y) epilogue=`f32 (x0, x1) {{ x2 = add x0 x1 }}` {0}
  %e: float32[{{N}}, 4, 8, 8]{{256, 1, 32, 4}} = elementwise(%z, %s) program=`f32 (x0, x1) {{ x2 = mul x0 x1 }}`
  %g: float32[{{N}}, 4, 8, 8]{{256, 1, 32, 4}} = group_norm(%e, %b, %b) eps=1e-05 groups=2
  %m: float32[{{N}}, 4, 4, 4]{{64, 1, 16, 4}} = pool(%g) {1}
  %c: float32[{{N}}, 8, 4, 4]{{128, 1, 32, 8}} = concat(%m, %m) dim=1
  %a: float32[{{N}}, 8, 1, 1]{{8, 1, 8, 8}} = adaptive_pool(%c) mode="avg" output_size=[1, 1]
  %h: float32[{{N}}, 4]{{8, 1}} = view(%a) offset=4
  %r: float32[{{N}}, 5]{{5, 1}} = matmul(%h, %l)
  return %r as scores, %z as features
}}
)",
                            kConvolution, kWindow));
}

TEST(BatchSlices, Transformer) {
  // Rows of all sequences in one dimension, then heads, then both in one: {5N} rows, {3N} matrices.
  expect_slices(R"(graph(%t: int64[{N}, 5]{5, 1}, %mask: float32[{N}, 5]{5, 1}) {
  %table = constant float32[9, 12] uniform(1)
  %class = constant float32[1, 1, 12] uniform(2)
  %w = constant float32[12, 36] uniform(3)
  %n = constant float32[12] ones
  %x: float32[{N}, 5, 12]{60, 12, 1} = gather(%table, %t) dim=0
  %repeated: float32[{N}, 1, 12]{0, 12, 1} = view(%class) offset=0
  %all: float32[{N}, 6, 12]{72, 12, 1} = concat(%repeated, %x) dim=1
  %cut: float32[{N}, 5, 12]{72, 12, 1} = view(%all) offset=12
  %dense: float32[{N}, 5, 12]{60, 12, 1} = layer_norm(%cut, %n, %n) dims=1 eps=1e-05
  %rows: float32[{5N}, 12]{12, 1} = view(%dense) offset=0
  %qkv: float32[{5N}, 36]{36, 1} = matmul(%rows, %w)
  %q: float32[{N}, 3, 5, 4]{180, 4, 36, 1} = view(%qkv) offset=0
  %k: float32[{N}, 3, 4, 5]{180, 4, 1, 36} = view(%qkv) offset=12
  %v: float32[{N}, 3, 5, 4]{180, 4, 36, 1} = view(%qkv) offset=24
  %bias: float32[{N}, 1, 1, 5]{5, 5, 5, 1} = view(%mask) offset=0
  %s: float32[{N}, 3, 5, 5]{75, 25, 5, 1} = matmul(%q, %k, none, %bias) epilogue=`f32 (x0, x1) { x2 = add x0 x1 }`
  %p: float32[{N}, 3, 5, 5]{75, 25, 5, 1} = softmax(%s) dim=3 log=false
  %y: float32[{N}, 3, 5, 4]{60, 20, 4, 1} = matmul(%p, %v)
  %flat: float32[{3N}, 5, 4]{20, 4, 1} = view(%y) offset=0
  %top: float32[{3N}, 4]{4, 1} = reduce(%flat) dims=[1] keepdim=false mode="max"
  %z: float32[{N}, 12]{12, 1} = view(%top) offset=0
  return %z as z
}
)");
}

TEST(BatchSlices, Attention) {
  expect_slices(R"(graph(%qkv: float32[{N}, 5, 36]{180, 36, 1}, %mask: float32[{N}, 5]{5, 1}) {
  %q: float32[{N}, 3, 5, 4]{180, 4, 36, 1} = view(%qkv) offset=0
  %k: float32[{N}, 3, 5, 4]{180, 4, 36, 1} = view(%qkv) offset=12
  %v: float32[{N}, 3, 5, 4]{180, 4, 36, 1} = view(%qkv) offset=24
  %m: float32[{N}, 1, 1, 5]{5, 5, 5, 1} = view(%mask) offset=0
  %y: float32[{N}, 3, 5, 4]{60, 4, 12, 1} = attention(%q, %k, %v, %m) causal=false scale=0.5 zero_hidden=false
  %z: float32[{N}, 5, 12]{60, 12, 1} = view(%y) offset=0
  return %z as z
}
)");
}

TEST(BatchSlices, WhatIsTheSameForAllMayBeAnything) {
  expect_slices(R"(graph(%x: float32[{N}, 4]{4, 1}) {
  %a = constant float32[3, 4] uniform(1)
  %s: float32[3, 4]{4, 1} = softmax(%a) dim=0 log=false
  %m: float32[4]{1} = reduce(%s) dims=[0] keepdim=false mode="sum"
  %y: float32[{N}, 4]{4, 1} = elementwise(%x, %m) program=`f32 (x0, x1) { x2 = mul x0 x1 }`
  return %y as y
}
)");
}

TEST(BatchSlices, ConstantsThatRepeatForEveryElement) {
  constexpr std::string_view kText = R"(graph(%x: float32[{N}, 2]{2, 1}) {
  %c = constant float32[{N}, 2] CONTENTS
  %y: float32[{N}, 2]{2, 1} = elementwise(%x, %c) program=`f32 (x0, x1) { x2 = mul x0 x1 }`
  return %y as y
}
)";
  const auto with = [&](std::string_view contents) {
    std::string text(kText);
    return text.replace(text.find("CONTENTS"), 8, contents);
  };
  expect_slices(with("ones"));
  EXPECT_THAT(obstacle(with("uniform(1)")), HasSubstr("a constant depends on the size of the batch"));
}

struct Refused {
  const char* name;
  const char* why;
  const char* body;
};

class BatchSlicesRefuse : public testing::TestWithParam<Refused> {};

TEST_P(BatchSlicesRefuse, Graph) {
  const std::string text = fmt::format("graph(%x: float32[{{N}}, 4]{{4, 1}}) {{\n{}}}\n", GetParam().body);
  EXPECT_THAT(obstacle(text), HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Why, BatchSlicesRefuse,
    testing::Values(Refused{"SoftmaxOverBatch", "softmax at net.py:7 head: runs over the batch", R"(
  %y: float32[{N}, 4]{4, 1} = softmax(%x) dim=0 log=false  # net.py:7 head
  return %y as y
)"},
                    Refused{"AttentionOverBatch", "attention: runs over the batch", R"(
  %c = constant float32[5, 4] uniform(1)
  %y: float32[{N}, 4]{4, 1} = attention(%x, %c, %c) causal=false scale=0.5 zero_hidden=false
  return %y as y
)"},
                    Refused{"ReduceOverBatch", "reduce: mixes the elements of the batch", R"(
  %y: float32[4]{1} = reduce(%x) dims=[0] keepdim=false mode="mean"
  return %y as y
)"},
                    Refused{"ReducedAndRepeated", "reduce: mixes", R"(
  %m: float32[1, 4]{4, 1} = reduce(%x) dims=[0] keepdim=true mode="mean"
  %y: float32[{N}, 4]{4, 1} = elementwise(%x, %m) program=`f32 (x0, x1) { x2 = sub x0 x1 }`
  return %y as y
)"},
                    Refused{"LayerNormOverBatch", "layer_norm: runs over the batch", R"(
  %y: float32[{N}, 4]{4, 1} = layer_norm(%x) dims=2 eps=1e-05
  return %y as y
)"},
                    Refused{"EveryElementWithEveryOther", "does not follow from the size of the batch", R"(
  %t: float32[4, {N}]{1, 4} = view(%x) offset=0
  %y: float32[{N}, {N}]{6, 1} = matmul(%x, %t)
  return %y as y
)"},
                    Refused{"TransposedOutput", "output \"y\" does not have the batch as its first dimension", R"(
  %y: float32[4, {N}]{1, 4} = view(%x) offset=0
  return %y as y
)"},
                    Refused{"TransposedMemory", "does not follow from the size of the batch", R"(
  %t: float32[{N}, 4]{1, {N}} = copy(%x)
  return %t as y
)"},
                    Refused{"BatchFlattenedWithChannels", "view: the batch is not outermost in memory", R"(
  %t: float32[{2N}, 2]{1, 12} = view(%x) offset=0
  return %t as y
)"},
                    Refused{"OneElementForAll", "view: mixes the elements of the batch", R"(
  %t: float32[1, 4]{4, 1} = view(%x) offset=8
  %y: float32[{N}, 4]{4, 1} = elementwise(%x, %t) program=`f32 (x0, x1) { x2 = add x0 x1 }`
  return %y as y
)"},
                    Refused{"NextElement", "view: the batch is not outermost in memory", R"(
  %y: float32[{N}, 4]{4, 1} = view(%x) offset=2
  return %y as y
)"},
                    Refused{"PicksFromBatch", "gather: picks among the elements of the batch", R"(
  %i: int64[{N}]{1} = reduce(%x) dims=[1] keepdim=false mode="argmax"
  %y: float32[{N}, 4]{4, 1} = gather(%x, %i) dim=0
  return %y as y
)"},
                    Refused{"PicksPart", "gather: mixes", R"(
  %i = constant int64[2] [0, 1]
  %y: float32[2, 4]{4, 1} = gather(%x, %i) dim=0
  return %y as y
)"},
                    Refused{"JoinedAlongBatch", "concat: joins along the batch", R"(
  %y: float32[{2N}, 4]{4, 1} = concat(%x, %x) dim=0
  return %y as y
)"},
                    Refused{"ConstantOutput", "a constant is an output", R"(
  %c = constant float32[4] ones
  return %x as x, %c as c
)"},
                    Refused{"MeanOverBatchByHand", "what it does depends on the size of the batch", R"(
  %y: float32[{N}, 4]{4, 1} = elementwise(%x) program=`f32 (x0) { x1 = constant {N}; x2 = mul x0 x1 }`
  return %y as y
)"},
                    Refused{"UnknownOp", "not known to keep the elements of a batch apart", R"(
  %y: float32[{N}, 4]{4, 1} = mystery(%x)
  return %y as y
)"}),
    [](const auto& refused) { return refused.param.name; });

TEST(BatchSlices, PaddedBatch) {
  // One more for every six: the sizes alone look like a batch.
  EXPECT_THAT(obstacle(R"(graph(%x: float32[{N}, 4]{4, 1}) {
  %y: float32[{2N}, 4]{4, 1} = pad(%x) pads=[{N}, 0, 0, 0] value=0.0
  return %y as y
}
)"),
              HasSubstr("depends on the size of the batch"));
}

TEST(BatchSlices, InputsMustShareTheBatch) {
  const Graph whole = parse_graph("graph(%a: float32[6, 2]{2, 1}, %b: float32[3, 2]{2, 1}) {\n return %a as a\n}\n");
  const Graph slice = parse_graph("graph(%a: float32[2, 2]{2, 1}, %b: float32[1, 2]{2, 1}) {\n return %a as a\n}\n");
  EXPECT_THAT(obstacle_to_slices(whole, slice).value_or(""), HasSubstr("not all as many"));
}

TEST(BatchSlices, AnotherGraphForAnotherBatch) {
  const Graph whole = parse_graph(R"(graph(%a: float32[6, 2]{2, 1}) {
  %y: float32[6, 2]{2, 1} = elementwise(%a) program=`f32 (x0) { x1 = relu x0 }`
  return %y as y
}
)");
  const Graph slice = parse_graph("graph(%a: float32[2, 2]{2, 1}) {\n return %a as a\n}\n");
  EXPECT_THAT(obstacle_to_slices(whole, slice).value_or(""), HasSubstr("other operations"));
}

}  // namespace
}  // namespace wherry::ir
