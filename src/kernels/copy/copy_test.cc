// Copies and fills of every kind against the one-element-at-a-time oracle, bytes around the destination guarded.

#include "kernels/copy/copy.h"

#include <gtest/gtest.h>

#include <numeric>

#include "kernels/copy/copy_kernels.h"
#include "kernels/elementwise/loop_order.h"
#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"

namespace wherry::kernels {
namespace {

using base::Isa;
using Dims = std::vector<std::int64_t>;

std::vector<Isa> tested_isas() {
  std::vector<Isa> isas;
#define WHERRY_COPY_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/copy/kernels.inc"
#undef WHERRY_COPY_KERNELS
  return isas;
}

class Copies : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Copies, testing::ValuesIn(tested_isas()), isa_name);

/// Strides of `sizes` laid out in the order `order` (outermost first), the innermost step being `step`, with `gap`
/// elements after every row.
Dims strides_in_order(const Dims& sizes, const std::vector<std::size_t>& order, std::int64_t step, std::int64_t gap) {
  Dims strides(sizes.size());
  std::int64_t stride = step;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride = stride * sizes[order[i]] + (i + 1 == order.size() ? gap : 0);
  }
  return strides;
}

std::int64_t extent(const Dims& sizes, const Dims& strides) {
  std::int64_t last = 0;
  for (std::size_t d = 0; d < sizes.size(); ++d) last += (sizes[d] - 1) * strides[d];
  return last + 1;
}

/// Runs the items in three uneven parts, last part first.
template <typename Run>
void in_parts(std::int64_t items, Run&& run) {
  const std::int64_t first = items / 3, second = items - items / 4;
  run(second, items);
  run(first, second);
  run(0, first);
}

void check_copy(const CopyShape& shape, Isa isa, const std::string& wanted_name = "") {
  const std::int64_t bytes = shape.element_bytes;
  std::vector<unsigned char> x(static_cast<std::size_t>(extent(shape.sizes, shape.source_strides) * bytes));
  std::mt19937 random(7);
  for (auto& byte : x) byte = static_cast<unsigned char>(random());
  const std::int64_t size = extent(shape.sizes, shape.destination_strides) * bytes;
  test::Guarded<unsigned char> expected(size), y(size, bytes);
  copy_reference(shape, x.data(), expected.data());
  const auto copy = make_copy(shape, isa);
  if (!wanted_name.empty()) {
    EXPECT_EQ(copy->name(), wanted_name + std::string(base::name_of(isa)));
  }
  in_parts(copy->items(), [&](std::int64_t begin, std::int64_t end) { copy->run(x.data(), y.data(), begin, end); });
  EXPECT_TRUE(std::equal(expected.data(), expected.data() + size, y.data())) << copy->name();
  EXPECT_TRUE(y.intact());
}

TEST_P(Copies, PermutationsOfEveryElementSize) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Dims sizes(random() % 5);
    for (auto& size : sizes) size = static_cast<std::int64_t>(random() % 4 ? random() % 9 + 1 : random() % 70 + 1);
    std::vector<std::size_t> from(sizes.size()), to(sizes.size());
    std::iota(from.begin(), from.end(), 0);
    std::iota(to.begin(), to.end(), 0);
    std::shuffle(from.begin(), from.end(), random);
    if (random() % 2) std::shuffle(to.begin(), to.end(), random);
    CopyShape shape;
    shape.sizes = sizes;
    shape.source_strides = strides_in_order(sizes, from, random() % 4 ? 1 : 2, random() % 2 ? 0 : 3);
    shape.destination_strides = strides_in_order(sizes, to, random() % 4 ? 1 : 3, random() % 2 ? 0 : 5);
    if (!sizes.empty() && random() % 5 == 0) shape.source_strides[random() % sizes.size()] = 0;
    shape.element_bytes = std::int64_t{1} << random() % 4;
    check_copy(shape, GetParam());
  }
}

TEST_P(Copies, PlanesToPixelsAndBack) {
  for (const std::int64_t channels : {2, 3, 4, 5, 16, 17, 67})
    for (const std::int64_t pixels : {1, 3, 8, 16, 33, 1000}) {
      const CopyShape to_pixels = {
          {2, channels, pixels}, {channels * pixels, pixels, 1}, {channels * pixels, 1, channels}, 4};
      check_copy(to_pixels, GetParam(), pixels > 1 ? "copy_transpose_" : "");
      const CopyShape to_planes = {
          {2, channels, pixels}, {channels * pixels, 1, channels}, {channels * pixels, pixels, 1}, 4};
      check_copy(to_planes, GetParam(), pixels > 1 ? "copy_transpose_" : "");
    }
}

TEST_P(Copies, RunsOfEveryLength) {
  for (std::int64_t bytes = 1; bytes < 200; ++bytes)
    check_copy({{3, bytes}, {bytes + 1, 1}, {bytes + 2, 1}, 1}, GetParam(), bytes > 1 ? "copy_rows_" : "");
  check_copy({{100000}, {1}, {1}, 4}, GetParam(), "copy_rows_");
}

TEST_P(Copies, NegativeStridesReverse) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  test::Guarded<float> y(6);
  make_copy({{2, 3}, {-3, -1}, {3, 1}, 4}, GetParam())->run(x.data() + 5, y.data(), 0, 1);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(y[i], 6 - i);
  EXPECT_TRUE(y.intact());
}

TEST_P(Copies, NothingToDo) { EXPECT_EQ(make_copy({{3, 0, 2}, {0, 2, 1}, {0, 2, 1}, 4}, GetParam())->items(), 0); }

TEST_P(Copies, Fills) {
  for (const std::int64_t bytes : {1, 2, 4, 8})
    for (const Dims& sizes : {Dims{}, Dims{5}, Dims{70000}, Dims{3, 4, 5}, Dims{2, 0}})
      for (const std::int64_t gap : {0, 3}) {
        std::vector<std::size_t> order(sizes.size());
        std::iota(order.begin(), order.end(), 0);
        const FillShape shape = {sizes, strides_in_order(sizes, order, gap ? 2 : 1, gap), bytes};
        const std::int64_t size = std::count(sizes.begin(), sizes.end(), 0) ? 0 : extent(sizes, shape.strides) * bytes;
        test::Guarded<unsigned char> expected(size), y(size, bytes);
        const std::uint64_t value = 0x0123456789abcdefu;
        fill_reference(shape, &value, expected.data());
        const auto fill = make_fill(shape, GetParam());
        in_parts(fill->items(), [&](std::int64_t begin, std::int64_t end) { fill->run(&value, y.data(), begin, end); });
        EXPECT_TRUE(std::equal(expected.data(), expected.data() + size, y.data()));
        EXPECT_TRUE(y.intact());
      }
}

TEST(LoopOrder, MergesWhatStepsEvenly) {
  const LoopOrder whole = order_loops({2, 3, 4}, {{12, 4, 1}, {12, 4, 1}});
  EXPECT_EQ(whole.sizes, (Dims{24}));
  const LoopOrder broadcast = order_loops({2, 3, 4}, {{12, 4, 1}, {0, 0, 1}});
  EXPECT_EQ(broadcast.sizes, (Dims{6, 4}));
  EXPECT_EQ(broadcast.strides[1], (Dims{0, 1}));
  const LoopOrder channels_last = order_loops({2, 3, 5, 7}, {{105, 1, 21, 3}, {105, 1, 21, 3}});
  EXPECT_EQ(channels_last.sizes, (Dims{210}));
  EXPECT_EQ(order_loops({1, 1}, {{7, 9}}).rank(), 0);
  EXPECT_EQ(broadcast.offset(0, 5), 5);
  EXPECT_EQ(broadcast.offset(1, 7), 3);
}

TEST_P(Copies, TouchNothingPastTheEnd) {
  for (std::int64_t n = 1; n < 200; ++n) {
    test::PageEnd<unsigned char> x(n), y(n);
    const auto copy = make_copy({{n}, {1}, {1}, 1}, GetParam());
    copy->run(x.data(), y.data(), 0, copy->items());
    EXPECT_EQ(y.data()[n - 1], 1);
  }
  for (const std::int64_t channels : {2, 3, 4, 6, 21})
    for (std::int64_t pixels = 1; pixels < 40; ++pixels)
      for (const bool to_planes : {false, true}) {
        const Dims planes = {pixels, 1}, dense = {1, channels};
        test::PageEnd<float> x(channels * pixels), y(channels * pixels);
        const auto copy =
            make_copy({{channels, pixels}, to_planes ? dense : planes, to_planes ? planes : dense, 4}, GetParam());
        copy->run(x.data(), y.data(), 0, copy->items());
        EXPECT_EQ(y.data()[channels * pixels - 1], 1);
      }
}

}  // namespace
}  // namespace wherry::kernels
