// wherry inspect on batches: it says what runs in slices.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<std::string> inspect(const std::string& shape, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{
      "inspect", WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", "--input", shape, "--threads", "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

json plan_of(const std::string& shape) {
  const Finished finished = run_wherry(inspect(shape, {"--json"}));
  EXPECT_EQ(finished.exit_code, 0) << finished.error;
  return json::parse(finished.out)["plan"];
}

TEST(Inspect, TellsSlicesFromWholeBatches) {
  EXPECT_THAT(run_wherry(inspect("1x3x64x64")).out, HasSubstr(" steps on 2 threads, "));
  const json one = plan_of("1x3x64x64");
  EXPECT_EQ(one["slices"], 1);
  EXPECT_EQ(one["slice_size"], 0);

  EXPECT_THAT(run_wherry(inspect("32x3x64x64")).out,
              HasSubstr(" steps on 1 thread, 32 slices of 1 element on 2 threads, "));
  const json batch = plan_of("32x3x64x64");
  EXPECT_EQ(batch["slices"], 32);
  EXPECT_EQ(batch["slice_size"], 1);
  EXPECT_EQ(batch["rest_size"], 0);
  EXPECT_EQ(batch["inputs"][0]["sizes"], json({32, 3, 64, 64}));
  EXPECT_EQ(batch["flops"], 32 * one["flops"].get<std::int64_t>()) << "of the batch, not of a slice";
  for (const json& step : batch["steps"]) EXPECT_THAT(step["shape"].get<std::string>(), HasSubstr("[1,"));
}

}  // namespace
}  // namespace wherry::cli
