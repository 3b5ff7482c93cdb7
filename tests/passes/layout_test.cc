// The arithmetic of strides: when a reshape is free, and which memory order makes it so.

#include <gtest/gtest.h>

#include "passes/layout/memory_order.h"
#include "passes/layout/view_strides.h"

namespace wherry::passes::layout {
namespace {

TEST(ViewStrides, SplitsAndMergesWhatIsContiguous) {
  EXPECT_EQ(view_strides({2, 3, 4}, {12, 4, 1}, {6, 4}), (Dims{4, 1}));
  EXPECT_EQ(view_strides({2, 12}, {12, 1}, {2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(view_strides({2, 3, 4}, {12, 4, 1}, {4, 6}), (Dims{6, 1}));
}

TEST(ViewStrides, ChannelsLastPixelsAreOneDimension) {
  // [N, C, H, W] → [N, C, H·W]
  EXPECT_EQ(view_strides({2, 8, 4, 5}, {160, 1, 40, 8}, {2, 8, 20}), (Dims{160, 1, 8}));
  // Channels split into groups.
  EXPECT_EQ(view_strides({2, 8, 4, 5}, {160, 1, 40, 8}, {2, 2, 4, 4, 5}), (Dims{160, 4, 1, 40, 8}));
}

TEST(ViewStrides, RefusesWhatWouldMoveElements) {
  EXPECT_FALSE(view_strides({2, 8, 4, 5}, {160, 1, 40, 8}, {2, 160}));
  EXPECT_FALSE(view_strides({3, 4}, {1, 3}, {12}));
  EXPECT_FALSE(view_strides({4, 6}, {12, 1}, {3, 8}));
}

TEST(ViewStrides, SizeOneDimensionsComeAndGo) {
  EXPECT_EQ(view_strides({1, 7, 1, 1}, {7, 1, 7, 7}, {1, 7}), (Dims{7, 1}));
  EXPECT_EQ(view_strides({7}, {2}, {1, 7, 1}).value()[1], 2);
  EXPECT_TRUE(view_strides({}, {}, {1, 1}));
  EXPECT_EQ(view_strides({1, 1}, {5, 5}, {}), Dims{});
  EXPECT_TRUE(view_strides({0, 3}, {3, 1}, {3, 0}));
}

TEST(MemoryOrder, TellsOrdersFromStrides) {
  EXPECT_EQ(order_of({2, 3, 4, 5}, {60, 20, 5, 1}), row_major(4));
  EXPECT_EQ(order_of({2, 3, 4, 5}, {60, 1, 15, 3}), channels_last());
  EXPECT_EQ(order_of({2, 3, 4}, {12, 1, 3}), (Order{0, 2, 1}));
  EXPECT_EQ(order_of({1, 3, 1, 1}, {3, 1, 1, 1}), channels_last());
}

TEST(MemoryOrder, GoesThroughPermutes) {
  const Dims to_last = {0, 2, 3, 1};  // [N, C, H, W] → [N, H, W, C]
  EXPECT_EQ(before_permute(row_major(4), to_last), channels_last());
  EXPECT_EQ(after_permute(channels_last(), to_last), row_major(4));
}

TEST(MemoryOrder, GoesThroughReshapes) {
  // Merging heads: [B, S, h, d] → [B, S, h·d].
  EXPECT_EQ(before_reshape(row_major(3), {2, 5, 4, 8}, {2, 5, 32}), row_major(4));
  // Channel shuffle: [N, g, c, H, W] → [N, C, H, W] channels-last.
  EXPECT_EQ(before_reshape(channels_last(), {2, 3, 4, 5, 6}, {2, 12, 5, 6}), (Order{0, 3, 4, 1, 2}));
  // A pair that was one dimension cannot come out reversed: as near as a view can.
  EXPECT_EQ(before_reshape({0, 2, 1}, {2, 15}, {2, 3, 5}), row_major(2));
  // Windows of 7 become a grid of 8: channels stay innermost.
  EXPECT_EQ(before_reshape({0, 2, 4, 3, 5, 1}, {1, 64, 8, 7, 8, 7}, {1, 64, 7, 8, 7, 8}), (Order{0, 2, 3, 4, 5, 1}));
}

}  // namespace
}  // namespace wherry::passes::layout
