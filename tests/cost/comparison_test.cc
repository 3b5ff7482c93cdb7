// The sums, computed by hand, and what is compared with what.

#include "cost/comparison.h"

#include <gmock/gmock.h>

#include "wherry/error.h"

namespace wherry::cost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result result(const std::string& instance, const std::string& engine, const std::string& version,
              const std::string& precision, double throughput, double p90) {
  Result made;
  made.source = instance + ".json";
  made.model = "resnet50";
  made.engine = engine;
  made.engine_version = version;
  made.precision = precision;
  made.threads = 2;
  made.instance = instance;
  made.instance_basis = "supplied";
  made.throughput_per_s = throughput;
  made.p90_ms = p90;
  return made;
}

/// Two machines at 0.36 and 0.72 an hour: 0.0001 and 0.0002 a second.
PriceTable prices() {
  return PriceTable::parse_json(
      R"([{"instance": "small", "price_per_hour": 0.36}, {"instance": "large", "price_per_hour": 0.72}])", "p.json");
}

std::vector<Result> four() {
  return {result("small", "PyTorch", "1.13.1", "fp32", 20, 60), result("small", "wherry", "0.1.0", "fp32", 50, 24),
          result("large", "PyTorch", "1.13.1", "fp32", 50, 25), result("large", "wherry", "0.1.0", "bf16", 400, 3)};
}

std::string refusal(std::vector<Result> results, const Baselines& baselines = {}) {
  try {
    compare(std::move(results), prices(), baselines);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Cost, OfAMillion) {
  // 0.36 an hour is 0.0001 a second; 20 a second need 50,000 seconds for a million.
  EXPECT_DOUBLE_EQ(cost_per_million(0.36, 20), 5.0);
  EXPECT_DOUBLE_EQ(cost_per_million(0.72, 400), 0.5);
}

TEST(Cost, RelativeToAnInstance) {
  const Comparison found = compare(four(), prices(), {"small, PyTorch", ""});
  ASSERT_EQ(found.lines.size(), 4U);
  EXPECT_EQ(found.currency, "USD");
  const double per_million[] = {5, 2, 4, 0.5};
  const double speed[] = {1, 2.5, 2.5, 20}, cost[] = {1, 0.4, 0.8, 0.1}, p90[] = {1, 0.4, 25.0 / 60, 0.05};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(found.lines[i].per_million, per_million[i]) << i;
    EXPECT_DOUBLE_EQ(found.lines[i].relative_speed, speed[i]) << i;
    EXPECT_DOUBLE_EQ(found.lines[i].relative_cost, cost[i]) << i;
    EXPECT_DOUBLE_EQ(found.lines[i].relative_p90, p90[i]) << i;
  }
  EXPECT_EQ(found.baseline_names(&Line::cost_baseline), "PyTorch 1.13.1 fp32 on small");
}

TEST(Cost, RelativeToAnEngineOnTheSameInstance) {
  const Comparison found = compare(four(), prices(), {"PyTorch 1.13", ""});
  EXPECT_DOUBLE_EQ(found.lines[1].relative_speed, 2.5);  // 50 ÷ 20
  EXPECT_DOUBLE_EQ(found.lines[2].relative_speed, 1);
  EXPECT_DOUBLE_EQ(found.lines[3].relative_speed, 8);  // 400 ÷ 50
  EXPECT_EQ(found.baseline_names(&Line::speed_baseline), "PyTorch 1.13.1 fp32 on small; PyTorch 1.13.1 fp32 on large");
}

TEST(Cost, SpeedMayHaveABaselineOfItsOwn) {
  const Comparison found = compare(four(), prices(), {"small, wherry", "pytorch"});
  EXPECT_DOUBLE_EQ(found.lines[3].relative_speed, 8);
  EXPECT_DOUBLE_EQ(found.lines[3].relative_cost, 0.25);  // 0.5 ÷ 2
  EXPECT_DOUBLE_EQ(found.lines[3].relative_p90, 0.125);  // 3 ÷ 24
}

TEST(Cost, OnABaselineInstanceTheSameEngineIsNearest) {
  const Comparison found = compare(four(), prices(), {"small", ""});
  EXPECT_EQ(found.lines[2].cost_baseline, 0U);
  EXPECT_EQ(found.lines[3].cost_baseline, 1U) << "bf16 there is not; the engine counts for more than the precision";
}

TEST(Cost, WithoutABaselineTheFirstOfEachWorkIs) {
  auto results = four();
  results[1].batch = 8;
  results[3].batch = 8;
  const Comparison found = compare(results, prices(), {});
  // Those of one work stand together.
  EXPECT_EQ(found.lines[1].result.batch, 1);
  EXPECT_DOUBLE_EQ(found.lines[1].relative_speed, 2.5);
  EXPECT_DOUBLE_EQ(found.lines[2].relative_speed, 1);
  EXPECT_DOUBLE_EQ(found.lines[3].relative_speed, 8);
}

TEST(Cost, SeriesAreToldApartWhereTheyMustBe) {
  auto results = four();
  results[1].threads = 1;
  results.push_back(results[1]);
  results.back().threads = 2;
  results.push_back(results[3]);
  results.back().isa = "avx512";
  const Comparison found = compare(results, prices(), {});
  EXPECT_EQ(found.lines[0].series, "PyTorch 1.13.1 fp32");
  EXPECT_EQ(found.lines[1].series, "wherry 0.1.0 fp32, 1 thread");
  EXPECT_EQ(found.lines[4].series, "wherry 0.1.0 fp32, 2 threads");
  EXPECT_EQ(found.lines[5].series, "wherry 0.1.0 bf16, avx512");
  // What the table calls a line names it.
  EXPECT_EQ(compare(results, prices(), {"wherry 0.1.0 fp32, 2 threads", ""}).lines[0].cost_baseline, 4U);
  EXPECT_EQ(compare(results, prices(), {"avx512", ""}).lines[0].cost_baseline, 5U);
}

TEST(Cost, WhatCannotBeComparedIsRefused) {
  EXPECT_EQ(refusal(four(), {"OpenVINO", ""}),
            "resnet50, batch 1: has no result of the baseline 'OpenVINO'; it has PyTorch 1.13.1 fp32 on small; "
            "wherry 0.1.0 fp32 on small; PyTorch 1.13.1 fp32 on large; wherry 0.1.0 bf16 on large");
  EXPECT_THAT(refusal(four(), {"PyTorch 1.1", ""}), HasSubstr("has no result of the baseline 'PyTorch 1.1'"));
  auto mixed = four();
  mixed[3].model = "bert";
  EXPECT_EQ(refusal(mixed, {"PyTorch", ""}),
            "bert, batch 1: has no result of the baseline 'PyTorch'; it has wherry 0.1.0 bf16 on large");
  auto apart = four();
  apart.push_back(result("other", "wherry", "0.1.0", "fp32", 1, 1));
  apart.back().instance = "small";
  apart.back().engine_version = "0.2.0";
  EXPECT_THAT(
      refusal(apart, {"large", "fp32, small, wherry"}),
      HasSubstr("the baseline 'fp32, small, wherry' of PyTorch 1.13.1 fp32 on small may be wherry 0.1.0 fp32 on "
                "small or wherry 0.2.0 fp32 on small"));
  auto twice = four();
  twice.push_back(twice[0]);
  twice.back().source = "z.json";
  EXPECT_EQ(
      refusal(twice),
      "z.json: is a second result of resnet50, batch 1 with PyTorch 1.13.1 fp32 on small, after small.json; one is "
      "expected");
}

TEST(Cost, MissingPricesAreRefusedByName) {
  auto results = four();
  results[2].instance = "huge";
  EXPECT_EQ(refusal(results),
            "large.json: p.json has no price for huge; it has small, large; --prices FILE names another table");
  results[2].instance.clear();
  results[2].machine.cpu = "AMD EPYC";
  EXPECT_EQ(refusal(results),
            "large.json: does not say on which instance it was measured (AMD EPYC); --instance NAME does");
  const PriceTable two = PriceTable::parse_json(
      R"([{"instance": "small", "price_per_hour": 1}, {"instance": "large", "price_per_hour": 1, "currency": "EUR"}])",
      "two.json");
  try {
    compare(four(), two, {});
    FAIL();
  } catch (const InvalidInput& error) {
    EXPECT_STREQ(error.what(), "two.json: prices are in USD and EUR; one currency is expected");
  }
}

TEST(Cost, AnInstanceOfAnotherSizeIsDoubted) {
  auto one = result("c7g.4xlarge", "wherry", "0.1.0", "fp32", 10, 100);
  one.machine.cores = 2;
  one.machine.cpu = "AMD EPYC";
  auto same = result("c6a.large", "wherry", "0.1.0", "fp32", 10, 100);
  same.machine.cores = 2;
  const Comparison found = compare({one, same}, PriceTable::built_in(), {});
  EXPECT_THAT(found.doubts,
              ElementsAre("c7g.4xlarge has 16 virtual CPUs; what stands for it ran on 2 cores of AMD EPYC"));
}

}  // namespace
}  // namespace wherry::cost
