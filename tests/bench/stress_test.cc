// torchbench's table, from made-up ticks.

#include "bench/stress.h"

#include <gmock/gmock.h>

namespace wherry::bench {
namespace {

constexpr const char* kHeading = "|     Iterations     | Time/Iteration(ms) |    Rest Time(s)    |\n";

TEST(StressTable, HasALineEveryTenSeconds) {
  StressTable table(25);
  EXPECT_EQ(table.line({1, 0.5}), std::nullopt);
  EXPECT_EQ(table.line({19, 9.9}), std::nullopt);
  EXPECT_EQ(table.line({20, 10}),
            std::string(kHeading) + "|         20         |       500.00       |         15         |\n");
  EXPECT_EQ(table.line({25, 15}), std::nullopt);
  EXPECT_EQ(table.line({60, 20.5}), "|         60         |       262.50       |         4          |\n");
  EXPECT_EQ(table.line({70, 25}), std::nullopt);
}

TEST(StressTable, HasOneLineAtTheEndOfAShortRun) {
  StressTable table(2);
  EXPECT_EQ(table.line({3, 1.5}), std::nullopt);
  EXPECT_EQ(table.line({4, 2}),
            std::string(kHeading) + "|         4          |       500.00       |         0          |\n");
}

}  // namespace
}  // namespace wherry::bench
