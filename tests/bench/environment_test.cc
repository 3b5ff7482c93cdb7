// Linux's numbers, against what the test does to them.

#include "bench/environment.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <vector>

namespace wherry::bench {
namespace {

TEST(Environment, PeakMemoryGrowsWithWhatIsTouchedAndStays) {
  constexpr std::int64_t kMore = 64 << 20;
  const std::int64_t before = peak_memory_bytes();
  EXPECT_GT(before, 1 << 20);
  {
    std::vector<char> touched(static_cast<std::size_t>(before + kMore));
    std::memset(touched.data(), 1, touched.size());
    EXPECT_GE(touched[touched.size() / 2], 1);
  }
  EXPECT_GE(peak_memory_bytes(), before + kMore);
}

TEST(Environment, NamesTheMachineAndWhatIsSet) {
  ::setenv("WHERRY_FORCE_ISA", "scalar", 1);
  const auto found = environment();
  ::unsetenv("WHERRY_FORCE_ISA");
  EXPECT_THAT(found, testing::Contains(std::pair<std::string, std::string>("WHERRY_FORCE_ISA", "scalar")));
  EXPECT_THAT(found, testing::Contains(testing::Pair("cpu", testing::Not(testing::IsEmpty()))));
  EXPECT_THAT(found, testing::Contains(testing::Pair("cores", testing::MatchesRegex("[1-9][0-9]*"))));
  EXPECT_THAT(found, testing::Contains(testing::Pair("kernel", testing::HasSubstr("Linux"))));
}

TEST(Environment, MachineIsWhatAResultMayBeComparedBy) {
  const Machine here = machine();
  EXPECT_FALSE(here.cpu.empty());
  EXPECT_GE(here.cores, 1);
  EXPECT_FALSE(here.isa.empty());
  EXPECT_GT(here.memory_bytes, 64 << 20);
  if (here.clock_mhz) {
    EXPECT_GT(*here.clock_mhz, 100);
    EXPECT_LT(*here.clock_mhz, 20000);
  }
  EXPECT_THAT(here.kernel, testing::HasSubstr("Linux"));
  EXPECT_THAT(date_now(), testing::MatchesRegex("20..-..-..T..:..:..Z"));
}

}  // namespace
}  // namespace wherry::bench
