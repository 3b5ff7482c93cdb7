// Any bytes as a result file, and as a price table: what is accepted has figures that can be divided by.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attempt.h"
#include "base/check.h"
#include "cost/comparison.h"

using namespace wherry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] {
    for (const cost::Result& result : cost::parse_results(text, "fuzz.json"))
      WHERRY_CHECK(result.throughput_per_s > 0 && std::isfinite(result.throughput_per_s) && result.p90_ms > 0);
  });
  attempt([&] {
    const cost::PriceTable table = cost::PriceTable::parse_json(text, "fuzz.json");
    for (const std::string& instance : table.instances()) WHERRY_CHECK(table.find(instance)->per_hour > 0);
  });
  attempt([&] { cost::compare(cost::parse_results(text, "fuzz.json"), cost::PriceTable::built_in(), {"wherry", ""}); });
  return 0;
}
