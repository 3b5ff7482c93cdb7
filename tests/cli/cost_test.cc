// wherry cost from outside: what bench writes is read, the sums are printed in every form, and bad input is told.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

Finished cost(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cost");
  return run_wherry(arguments);
}

json result(const std::string& engine, double throughput, double p90, const char* instance = "c7g.xlarge") {
  return {{"schema", "wherry.result/1"},
          {"name", "resnet50"},
          {"batch", 1},
          {"engine", {{"name", engine}, {"version", "1.2.3"}}},
          {"precision", "fp32"},
          {"instance", instance},
          {"basis", "measured"},
          {"throughput_per_s", throughput},
          {"p90_ms", p90}};
}

void expect_refused(const Finished& finished, const std::string& message) {
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(finished.error, "wherry: error: " + message + "\n");
}

TEST(Cost, OfWhatBenchWrote) {
  const TemporaryFolder folder;
  const std::string file = folder.path("here.json");
  const Finished measured =
      run_wherry({"bench", WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", "--input", "2x3x12x12", "--seconds",
                  "0.01", "--threads", "1", "--skip_correctness", "--json", file, "--instance", "c6a.large"});
  ASSERT_EQ(measured.exit_code, 0) << measured.error;
  const json written = json::parse(read_file(file));
  EXPECT_EQ(written["schema"], "wherry.result/1");
  EXPECT_EQ(written["basis"], "measured");
  EXPECT_EQ(written["engine"]["name"], "wherry");
  EXPECT_THAT(written["engine"]["version"].get<std::string>(), MatchesRegex("[0-9.]+"));
  EXPECT_EQ(written["instance"], "c6a.large");
  EXPECT_EQ(written["instance_basis"], "supplied");
  EXPECT_TRUE(written["sequence"].is_null());
  EXPECT_EQ(written["configuration"]["threads"], 1);
  EXPECT_FALSE(written["machine"]["cpu"].get<std::string>().empty());
  EXPECT_GE(written["machine"]["cores"], 1);
  EXPECT_GT(written["machine"]["memory_bytes"], 1 << 28);
  EXPECT_THAT(written["date"].get<std::string>(), MatchesRegex("20[0-9-]+T[0-9:]+Z"));

  const Finished finished = cost({file, "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const json found = json::parse(finished.out);
  const json& line = found["results"][0];
  EXPECT_EQ(line["model"], "small_cnn");
  EXPECT_EQ(line["batch"], 2);
  EXPECT_EQ(line["price_per_hour"], 0.0765);
  EXPECT_EQ(line["price_basis"], "derived from c6a.4xlarge");
  EXPECT_NEAR(line["cost_per_million"].get<double>(), 0.0765 / 3600 / written["throughput_per_s"].get<double>() * 1e6,
              1e-12);
  EXPECT_EQ(line["relative_cost"], 1.0);
  EXPECT_EQ(line["cores"], written["machine"]["cores"]);
}

TEST(Cost, PrintsATable) {
  const TemporaryFolder folder;
  // 0.145 an hour: 1e6 ÷ 10 ÷ 3600 = 27.78 hours, 4.03; with 25 a second 1.61.
  const std::string file = folder.file("all.json", json{result("old", 10, 120), result("new", 25, 48)}.dump());
  const Finished finished = cost({file, "--baseline", "old"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(finished.error, "");
  EXPECT_EQ(
      finished.out,
      "resnet50, batch 1\n"
      "instance    engine          per second  p90 ms  USD/hour  USD/million  speed  cost   p90  figures   price\n"
      "c7g.xlarge  old 1.2.3 fp32        10.0     120     0.145         4.03   1.00  1.00  1.00  measured  derived\n"
      "c7g.xlarge  new 1.2.3 fp32        25.0    48.0     0.145         1.61   2.50  0.40  0.40  measured  derived\n"
      "\n"
      "  compared    with old 1.2.3 fp32 on c7g.xlarge\n"
      "  figures     2 measured\n"
      "  instances   c7g.xlarge supplied\n"
      "  prices      EC2 on demand, us-east-1, Linux, 2026-07-20: 0.145 USD an hour for c7g.xlarge (derived from "
      "c7g.4xlarge)\n"
      "  million     inferences, each one element of a batch, on a machine that is always busy\n");
}

TEST(Cost, TakesPricesAndInstancesOfTheUser) {
  const TemporaryFolder folder;
  json bare = result("a", 10, 1);
  bare.erase("instance");
  const std::string first = folder.file("a.json", bare.dump()), second = folder.file("b.json", bare.dump());
  const std::string csv =
      folder.file("p.csv", "instance,price_per_hour,basis\n\"my, server\",0.36,owned\nother,0.72,\n");
  const Finished finished =
      cost({first, second, "--instance", "my, server", "--instance", second + "=other", "--prices", csv, "--csv", "-"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_THAT(finished.out, StartsWith("model,batch,sequence,instance,instance_basis,engine,engine_version,"));
  EXPECT_THAT(finished.out, AllOf(HasSubstr("\r\nresnet50,1,,\"my, server\",supplied,a,1.2.3,,fp32,"),
                                  HasSubstr(",0.36,USD,owned,,"), HasSubstr(",0.72,USD,,,")));
  const std::string prices = folder.file("p.json", R"([{"instance": "x", "price_per_hour": 3.6, "currency": "EUR"}])");
  EXPECT_THAT(cost({first, "--instance", "x", "--prices", prices}).out,
              AllOf(HasSubstr("EUR/million"), HasSubstr("100")));
}

TEST(Cost, DrawsThreePlotsInBothForms) {
  const TemporaryFolder folder;
  json modelled = result("new", 25, 48);
  modelled["basis"] = "modelled";
  const std::string file = folder.file("all.json", json{result("old", 10, 120), modelled}.dump());
  const Finished finished = cost({file, "--plots", folder.path("deep/plots"), "--csv", folder.path("out.csv")});
  for (const char* name : {"speed", "cost", "p90_latency"}) {
    const std::string svg = read_file(folder.path(fmt::format("deep/plots/{}.svg", name)));
    EXPECT_THAT(svg, AllOf(StartsWith("<svg"), HasSubstr("resnet50, batch 1"), HasSubstr("new 1.2.3 fp32"),
                           HasSubstr("1.00 baseline ("),
                           HasSubstr(name == std::string("speed") ? "2.50 modelled (25.0/s)" : "0.40 modelled (")));
    if (finished.exit_code == 0) {
      EXPECT_THAT(read_file(folder.path(fmt::format("deep/plots/{}.png", name))), StartsWith("\x89PNG"));
    }
  }
  EXPECT_THAT(read_file(folder.path("deep/plots/cost.svg")),
              HasSubstr("0.145 USD an hour for c7g.xlarge (derived from"));
  EXPECT_THAT(read_file(folder.path("out.csv")), HasSubstr("modelled"));
  if (finished.exit_code != 0) {
    EXPECT_THAT(finished.error, HasSubstr("PNG pictures need libcairo.so.2"));
  }
}

TEST(Cost, ColoursSeriesOrWhereTheyAreManyEngines) {
  const TemporaryFolder folder;
  const auto colours = [&](int modes) {
    json all = json::array({result("old", 10, 120)});
    for (int mode = 0; mode < modes; ++mode)
      for (const char* engine : {"a", "b"}) {
        all.push_back(result(engine, 20, 60));
        all.back()["engine"]["mode"] = fmt::format("mode {}", mode);
      }
    const std::string file = folder.file("all.json", all.dump());
    cost({file, "--baseline", "old", "--plots", folder.path("plots")});
    const std::string svg = read_file(folder.path("plots/speed.svg"));
    int used = 0;
    for (int fill = 0; fill < 6; ++fill)
      used += svg.find(fmt::format("<rect class=\"f{}\" x=", fill)) != std::string::npos;
    return used;
  };
  EXPECT_EQ(colours(3), 6);
  EXPECT_EQ(colours(4), 2);
}

TEST(Cost, RefusesWhatItCannotUse) {
  const TemporaryFolder folder;
  const std::string good = folder.file("good.json", result("a", 10, 1).dump());
  json bare = result("a", 10, 1), older = bare, zero = bare, unpriced = bare;
  bare.erase("instance");
  older.erase("schema");
  zero["throughput_per_s"] = 0;
  unpriced["instance"] = "m7g.xlarge";
  const std::string file = folder.path("x.json");
  const auto with = [&](const json& content) { return folder.file("x.json", content.dump()); };
  expect_refused(cost({with(bare)}),
                 file + ": does not say on which instance it was measured (an unnamed CPU); --instance NAME does");
  expect_refused(cost({with(older)}),
                 file +
                     ": has no \"schema\"; a result of schema wherry.result/1 is expected: `wherry "
                     "bench --json FILE` writes such a file");
  expect_refused(cost({with(zero)}), file + ": \"throughput_per_s\" is 0; a number above 0 is expected");
  EXPECT_THAT(cost({with(unpriced)}).error, HasSubstr("has no price for m7g.xlarge; it has c5.4xlarge, c5a.4xlarge, "));
  expect_refused(cost({good, "--baseline", "b"}),
                 "resnet50, batch 1: has no result of the baseline 'b'; it has a 1.2.3 fp32 on c7g.xlarge");
  expect_refused(cost({good, good}), good +
                                         ": is a second result of resnet50, batch 1 with a 1.2.3 fp32 on c7g.xlarge, "
                                         "after " +
                                         good + "; one is expected");
  expect_refused(cost({good, "--instance", "b.json=c7g.large"}),
                 "--instance b.json=c7g.large: b.json is none of the result files; " + good + " are accepted");
  expect_refused(cost({good, "--instance", good + "=c7g.large"}),
                 "--instance " + good + "=c7g.large: " + good +
                     " was measured on c7g.xlarge by its own word; --instance is for files without one");
  expect_refused(cost({good, "--prices", "prices.txt"}),
                 "--prices prices.txt: is no table by its name; .csv, .tsv or .json is accepted");
  expect_refused(cost({good, "--json", "--csv", "-"}),
                 "--csv -: --json writes to standard output already; one of the two is accepted there");
  EXPECT_EQ(cost({folder.path("none.json")}).exit_code, 2);
  EXPECT_EQ(cost({}).exit_code, 2);
  EXPECT_EQ(cost({good, "--plots", good}).exit_code, 2);
}

}  // namespace
}  // namespace wherry::cli
