// Gathers against the byte-at-a-time oracle, with indices out of range.

#include "kernels/gather/gather.h"

#include <gtest/gtest.h>

#include "kernels/elementwise/test_data.h"

namespace wherry::kernels {
namespace {

TEST(Gather, RandomShapes) {
  std::mt19937 random(1);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(high - low + 1));
  };
  for (int round = 0; round < 300; ++round) {
    GatherShape s;
    s.outer = pick(1, 3);
    s.table_rows = pick(1, 9);
    s.count = pick(1, 12);
    s.row_elements = pick(1, 40);
    s.element_bytes = std::int64_t{1} << pick(0, 3);
    s.table_row_stride = s.row_elements + pick(0, 2);
    s.table_outer_stride = s.table_row_stride * s.table_rows;
    s.y_row_stride = s.row_elements + pick(0, 2);
    s.y_outer_stride = s.y_row_stride * s.count + pick(0, 1);
    s.index_dtype = random() % 2 ? DType::i64 : DType::i32;
    s.index_stride = pick(1, 2);
    s.negative_wraps = random() % 2;
    const bool hostile = random() % 2;
    std::vector<std::int64_t> wide(static_cast<std::size_t>(s.count * s.index_stride));
    std::vector<std::int32_t> narrow(wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) {
      wide[i] = s.negative_wraps && random() % 2 ? -pick(1, s.table_rows) : pick(0, s.table_rows - 1);
      if (hostile && random() % 4 == 0) wide[i] = random() % 2 ? s.table_rows : -s.table_rows - 1;
      narrow[i] = static_cast<std::int32_t>(wide[i]);
      if (hostile && random() % 9 == 0) wide[i] = random() % 2 ? INT64_MAX : INT64_MIN;
    }
    const void* indices = s.index_dtype == DType::i64 ? static_cast<void*>(wide.data()) : narrow.data();
    std::vector<unsigned char> table(static_cast<std::size_t>(s.outer * s.table_outer_stride * s.element_bytes));
    for (auto& byte : table) byte = static_cast<unsigned char>(random());
    const std::int64_t size = s.outer * s.y_outer_stride * s.element_bytes;
    test::Guarded<unsigned char> expected(size), y(size);
    const std::int64_t bad = gather_reference(s, table.data(), indices, expected.data());
    const auto gather = make_gather(s, base::selected_isa());
    EXPECT_EQ(gather->run(table.data(), indices, y.data(), 0, gather->items()), bad);
    EXPECT_TRUE(std::equal(expected.data(), expected.data() + size, y.data()));
    EXPECT_TRUE(y.intact());
  }
}

TEST(Gather, ReportsTheFirstBadIndexOfItsItems) {
  GatherShape s;
  s.table_rows = 3;
  s.count = 4;
  s.table_row_stride = s.y_row_stride = 1;
  const std::int64_t indices[] = {0, 3, 2, -1};
  const float table[] = {10, 11, 12};
  test::Guarded<float> y(4);
  const auto gather = make_gather(s, base::selected_isa());
  EXPECT_EQ(gather->run(table, indices, y.data(), 0, 1), -1);
  EXPECT_EQ(gather->run(table, indices, y.data(), 2, 4), 3);
  EXPECT_TRUE(y.untouched(1));
  EXPECT_EQ(gather->run(table, indices, y.data(), 0, 4), 1);
  EXPECT_EQ(y[0], 10);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 12);
  EXPECT_EQ(y[3], 0);
}

}  // namespace
}  // namespace wherry::kernels
