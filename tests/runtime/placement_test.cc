// Whose bytes are whose: views, results in place, concat operands, outputs.

#include "runtime/placement.h"

#include <gtest/gtest.h>

#include "net.h"
#include "wherry/error.h"

namespace wherry::runtime {
namespace {

const char* const kExp = "f32 (x0) { x1 = exp x0 }";

const Storage& storage_of(const Placement& placement, const ir::Value* value) {
  return placement.storages[static_cast<std::size_t>(placement.of(value).slot.storage)];
}

TEST(Placement, ViewsShareBytes) {
  Net net;
  ir::Value* x = net.elementwise(kExp, {net.input({4, 6})}, {4, 6});
  ir::Value* row = net.node("view", {x}, {{"offset", std::int64_t{6}}}, {6}, {1});
  ir::Value* every_other = net.node("view", {row}, {{"offset", std::int64_t{1}}}, {3}, {2});
  net.output(net.elementwise(kExp, {every_other}, {3}));
  const Placement placement = place_values(net.graph());
  EXPECT_EQ(placement.of(every_other).slot.storage, placement.of(x).slot.storage);
  EXPECT_EQ(placement.of(every_other).slot.offset, 7 * 4);
  EXPECT_EQ(placement.of(every_other).strides, Dims{2});
  EXPECT_EQ(storage_of(placement, x).last, 3) << "alive until its view is read";
}

TEST(Placement, AResultTakesOverADyingOperand) {
  Net net;
  ir::Value* a = net.elementwise(kExp, {net.input({8})}, {8});
  ir::Value* b = net.elementwise(kExp, {a}, {8});
  ir::Value* c = net.elementwise("f32 (x0, x1) { x2 = add x0 x1 }", {a, b}, {8});
  ir::Value* wider = net.elementwise(kExp, {c}, {8}, {}, DType::f64);
  net.output(net.elementwise(kExp, {wider}, {8}, {}, DType::f64));
  const Placement placement = place_values(net.graph());
  EXPECT_NE(placement.of(a).slot.storage, placement.of(b).slot.storage) << "a is read again";
  EXPECT_EQ(placement.of(c).slot.storage, placement.of(a).slot.storage);
  EXPECT_NE(placement.of(wider).slot.storage, placement.of(c).slot.storage) << "another dtype";
}

TEST(Placement, InputsAndConstantsAreNeverOverwritten) {
  Net net;
  ir::Value* x = net.input({8});
  ir::Value* k = net.constant({8});
  ir::Value* y = net.elementwise("f32 (x0, x1) { x2 = add x0 x1 }", {x, k}, {8});
  net.output(net.elementwise(kExp, {y}, {8}));
  const Placement placement = place_values(net.graph());
  EXPECT_EQ(storage_of(placement, x).kind, Storage::Kind::input);
  EXPECT_EQ(storage_of(placement, k).kind, Storage::Kind::constant);
  EXPECT_NE(placement.of(y).slot.storage, placement.of(x).slot.storage);
  EXPECT_NE(placement.of(y).slot.storage, placement.of(k).slot.storage);
}

TEST(Placement, ConvolutionDoesNotOverwriteWhatItReadsAround) {
  Net net;
  const Dims sizes{1, 8, 6, 6};
  const ir::Attributes attributes{{"stride", Dims{1, 1}},
                                  {"padding", Dims{1, 1, 1, 1}},
                                  {"dilation", Dims{1, 1}},
                                  {"groups", std::int64_t{1}},
                                  {"epilogue", expression::Program::parse("f32 (x0, x1) { x2 = add x0 x1 }")}};
  ir::Value* x = net.channels_last(net.input(sizes));
  ir::Value* y =
      net.node("convolution", {x, net.constant({8, 8, 3, 3}), nullptr, x}, attributes, sizes, image_strides(sizes));
  ir::Value* z = net.elementwise(kExp, {y}, sizes, image_strides(sizes));
  net.output(net.node("copy", {z}, {}, sizes));
  const Placement placement = place_values(net.graph());
  EXPECT_NE(placement.of(y).slot.storage, placement.of(x).slot.storage);
}

TEST(Placement, ConcatOperandsAreWrittenInPlace) {
  Net net;
  const Dims part{1, 4, 5, 5};
  const Dims whole{1, 8, 5, 5};
  ir::Value* x = net.channels_last(net.input(part));
  ir::Value* a = net.elementwise(kExp, {x}, part, image_strides(part));
  ir::Value* b = net.elementwise(kExp, {a}, part, image_strides(part));
  ir::Value* all = net.node("concat", {a, b}, {{"dim", std::int64_t{1}}}, whole, image_strides(whole));
  net.output(net.node("copy", {all}, {}, whole));
  const Placement placement = place_values(net.graph());
  EXPECT_EQ(placement.of(a).slot.storage, placement.of(all).slot.storage);
  EXPECT_EQ(placement.of(b).slot.storage, placement.of(all).slot.storage);
  EXPECT_EQ(placement.of(b).slot.offset, 4 * 4);
  EXPECT_EQ(placement.of(b).strides, image_strides(whole));
  EXPECT_EQ(storage_of(placement, all).first, 1);
}

TEST(Placement, OutputsLeaveTheArena) {
  Net net;
  ir::Value* x = net.input({4, 6});
  ir::Value* y = net.elementwise(kExp, {x}, {4, 6});
  ir::Value* flat = net.node("view", {y}, {{"offset", std::int64_t{0}}}, {24}, {1});
  ir::Value* turned = net.elementwise(kExp, {x}, {4, 6}, {1, 4});
  net.output(flat);
  net.output(y);
  net.output(turned);
  const Placement placement = place_values(net.graph());
  EXPECT_EQ(storage_of(placement, flat).kind, Storage::Kind::output);
  ASSERT_EQ(placement.output_copies.size(), 2u);
  EXPECT_EQ(placement.output_copies[0].value, y);
  EXPECT_EQ(placement.output_copies[1].value, turned);
}

TEST(Placement, PixelsOfManyChannelsLieALineFurtherApart) {
  Net net;
  const Dims sizes{2, 512, 3, 5};
  const ir::Attributes pointwise{{"stride", Dims{1, 1}},
                                 {"padding", Dims{0, 0, 0, 0}},
                                 {"dilation", Dims{1, 1}},
                                 {"groups", std::int64_t{1}},
                                 {"epilogue", expression::Program::parse("f32 (x0, x1) { x2 = add x0 x1 }")}};
  const auto convolution = [&](ir::Value* x, ir::Value* residual) {
    return net.node("convolution", {x, net.constant({512, 512, 1, 1}), nullptr, residual}, pointwise, sizes,
                    image_strides(sizes), DType::bf16);
  };
  ir::Value* x = net.elementwise(kExp, {net.channels_last(net.input(sizes))}, sizes, image_strides(sizes), DType::bf16);
  ir::Value* a = convolution(x, x);
  ir::Value* b = convolution(a, x);
  ir::Value* c = convolution(b, b);
  net.output(net.node("copy", {net.elementwise(kExp, {c}, sizes, image_strides(sizes))}, {}, sizes));
  const Placement placement = place_values(net.graph());
  const Dims gaps{3 * 5 * 544, 1, 5 * 544, 544};
  for (const ir::Value* value : {x, a, b, c}) EXPECT_EQ(placement.of(value).strides, gaps);
  EXPECT_EQ(storage_of(placement, x).bytes, 2 * (29 * 544 + 512));
  EXPECT_EQ(placement.of(b).slot.storage, placement.of(x).slot.storage) << "in place, gaps and all";
  EXPECT_NE(placement.of(a).slot.storage, placement.of(x).slot.storage);
}

TEST(Placement, RefusesAGraphWithoutMemoryOrder) {
  Net net;
  ir::Value* x = net.input({4});
  ir::Value* y =
      net.graph()
          .add_node("elementwise", {x}, {{"program", expression::Program::parse(kExp)}}, {{DType::f32, {4}, {}}})
          ->output();
  net.output(y);
  EXPECT_THROW(place_values(net.graph()), InternalError);
}

}  // namespace
}  // namespace wherry::runtime
