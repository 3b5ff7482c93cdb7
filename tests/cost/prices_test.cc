// Prices, built in and the user's own.

#include "cost/prices.h"

#include <gmock/gmock.h>

#include "wherry/error.h"

namespace wherry::cost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Make>
std::string refusal(const Make& make) {
  try {
    make();
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "accepted";
}

std::string json_refusal(const std::string& text) {
  return refusal([&] { PriceTable::parse_json(text, "p.json"); });
}

std::string rows_refusal(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows) {
  return refusal([&] { PriceTable::from_rows(columns, rows, std::vector<std::int64_t>(rows.size(), 2), "p.csv"); });
}

TEST(Prices, BuiltInAreListedOrDerivedFromASiblingAndSaySo) {
  const PriceTable table = PriceTable::built_in();
  const auto listed = table.find("c7g.4xlarge");
  ASSERT_TRUE(listed);
  EXPECT_DOUBLE_EQ(listed->per_hour, 0.58);
  EXPECT_EQ(listed->currency, "USD");
  EXPECT_EQ(listed->region, "us-east-1");
  EXPECT_EQ(listed->basis, "on demand");
  const auto quarter = table.find("c7g.xlarge");
  ASSERT_TRUE(quarter);
  EXPECT_DOUBLE_EQ(quarter->per_hour, 0.145);  // as AWS lists it
  EXPECT_EQ(quarter->basis, "derived");
  EXPECT_EQ(quarter->full_basis(), "derived from c7g.4xlarge");
  EXPECT_DOUBLE_EQ(table.find("c6a.large")->per_hour, 0.0765);
  for (const char* unknown : {"c7g.medium", "c7g.16xlarge", "c7g.metal", "m7g.4xlarge", "c7g", "", "ml.c7g.4xlarge"})
    EXPECT_FALSE(table.find(unknown)) << unknown;
  EXPECT_EQ(table.instances().size(), 11U);
  EXPECT_THAT(table.origin(), HasSubstr("2026-07-20"));
}

TEST(Prices, OfAUserReplaceThem) {
  const PriceTable list = PriceTable::parse_json(R"([{"instance": "a", "price_per_hour": 2}])", "p.json");
  EXPECT_DOUBLE_EQ(list.find("a")->per_hour, 2);
  EXPECT_EQ(list.find("a")->currency, "USD");
  EXPECT_FALSE(list.find("c7g.4xlarge"));
  const PriceTable table = PriceTable::parse_json(
      R"({"currency": "EUR", "basis": "reserved",
          "prices": [{"instance": "c7g.4xlarge", "price_per_hour": 0.4},
                     {"instance": "b", "price_per_hour": 1, "basis": "spot", "region": "eu-west-1"}]})",
      "p.json");
  EXPECT_EQ(table.origin(), "p.json");
  EXPECT_THAT(table.instances(), ElementsAre("c7g.4xlarge", "b"));
  EXPECT_EQ(table.find("c7g.4xlarge")->currency, "EUR");
  EXPECT_EQ(table.find("c7g.4xlarge")->basis, "reserved");
  EXPECT_EQ(table.find("b")->basis, "spot");
  EXPECT_EQ(table.find("b")->region, "eu-west-1");
  EXPECT_FALSE(table.find("c7g.xlarge")) << "a user's prices are not scaled";
}

TEST(Prices, MayBeRowsOfText) {
  const PriceTable table =
      PriceTable::from_rows({"price_per_hour", "basis", "instance", "currency"},
                            {{" 0.25 ", "spot", "a", ""}, {"1e-1", "", "b", "USD"}}, {2, 3}, "p.csv");
  EXPECT_DOUBLE_EQ(table.find("a")->per_hour, 0.25);
  EXPECT_EQ(table.find("a")->basis, "spot");
  EXPECT_EQ(table.find("a")->currency, "USD");
  EXPECT_DOUBLE_EQ(table.find("b")->per_hour, 0.1);
}

TEST(Prices, ThatCannotBeAreRefused) {
  EXPECT_EQ(json_refusal("no"),
            "p.json: is no JSON, or damaged at byte 2; a list of {\"instance\": …, \"price_per_hour\": …} is expected");
  EXPECT_THAT(json_refusal("[{\"instance\": \"a\", \"price_per_hour\": 1e999}]"),
              HasSubstr("a number beyond a double's range"));
  EXPECT_THAT(json_refusal("{}"), HasSubstr("p.json: holds no list of prices"));
  EXPECT_THAT(json_refusal("[]"), HasSubstr("p.json: holds no prices"));
  EXPECT_THAT(json_refusal("[1]"), HasSubstr("p.json[0]: is a JSON number"));
  EXPECT_THAT(json_refusal(R"([{"instance": "a"}])"), HasSubstr("p.json[0]: has no number \"price_per_hour\""));
  EXPECT_EQ(json_refusal(R"([{"instance": "a", "price_per_hour": 0}])"),
            "p.json[0]: the price of a is 0; a number above 0 is expected");
  EXPECT_EQ(json_refusal(R"([{"price_per_hour": 1}])"), "p.json[0]: has no instance; its name is expected");
  EXPECT_EQ(json_refusal(R"([{"instance": "a", "price_per_hour": 1}, {"instance": "a", "price_per_hour": 2}])"),
            "p.json[1]: is a second price of a; one is expected");
  EXPECT_THAT(json_refusal(R"([{"instance": 7, "price_per_hour": 1}])"), HasSubstr("\"instance\" is a JSON number"));
  EXPECT_THAT(rows_refusal({"instance", "usd"}, {}),
              HasSubstr("p.csv: has the columns instance, usd; instance and price_per_hour are expected"));
  EXPECT_THAT(rows_refusal({"instance", "price_per_hour"}, {}), HasSubstr("p.csv: has no rows"));
  EXPECT_EQ(rows_refusal({"instance", "price_per_hour"}, {{"a", "0.58 USD"}}),
            "p.csv:2: price_per_hour is '0.58 USD'; a number above 0 is expected");
  EXPECT_THAT(rows_refusal({"instance", "price_per_hour"}, {{"a", "nan"}}), HasSubstr("the price of a is nan"));
  EXPECT_EQ(rows_refusal({"instance", "price_per_hour"}, {{"a"}}),
            "p.csv:2: has 1 fields; 2 are expected, one for each column");
}

TEST(Prices, SizesHaveVirtualCpus) {
  EXPECT_EQ(virtual_cpus("c6a.large"), 2);
  EXPECT_EQ(virtual_cpus("c7g.4xlarge"), 16);
  EXPECT_EQ(virtual_cpus("ml.c7g.xlarge"), 4);
  EXPECT_FALSE(virtual_cpus("my-server"));
}

}  // namespace
}  // namespace wherry::cost
