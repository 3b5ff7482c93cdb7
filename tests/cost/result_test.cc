// Result files: what is read, and what is refused in which words.

#include "cost/result.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "wherry/error.h"

namespace wherry::cost {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json example() {
  return {{"schema", "wherry.result/1"},
          {"name", "bert"},
          {"batch", 8},
          {"sequence", 128},
          {"engine", {{"name", "PyTorch"}, {"version", "2.15.0"}, {"mode", "torch.compile"}}},
          {"precision", "bf16"},
          {"threads", 16},
          {"isa", "amx"},
          {"instance", "c7i.4xlarge"},
          {"instance_basis", "detected"},
          {"machine", {{"cpu", "Xeon"}, {"cores", 16}, {"memory_bytes", 33285996544}, {"clock_mhz", nullptr}}},
          {"basis", "measured"},
          {"date", "2026-11-27T09:30:00Z"},
          {"throughput_per_s", 250.5},
          {"p90_ms", 34},
          {"p50_ms", 31}};
}

std::string refusal(const std::string& text) {
  try {
    parse_results(text, "x.json");
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_with(const char* key, const json& value) {
  json changed = example();
  changed[key] = value;
  return refusal(changed.dump());
}

std::string refusal_without(const char* key) {
  json changed = example();
  changed.erase(key);
  return refusal(changed.dump());
}

TEST(Results, HoldWhatTheFileSays) {
  const auto results = parse_results(example().dump(), "x.json");
  ASSERT_EQ(results.size(), 1U);
  const Result& result = results[0];
  EXPECT_EQ(result.source, "x.json");
  EXPECT_EQ(result.work(), "bert, batch 8, 128 tokens");
  EXPECT_EQ(result.engine_name(), "PyTorch 2.15.0 torch.compile");
  EXPECT_EQ(result.precision, "bf16");
  EXPECT_EQ(result.threads, 16);
  EXPECT_EQ(result.instance, "c7i.4xlarge");
  EXPECT_EQ(result.instance_basis, "detected");
  EXPECT_EQ(result.machine.cpu, "Xeon");
  EXPECT_EQ(result.machine.cores, 16);
  EXPECT_EQ(result.machine.memory_bytes, 33285996544);
  EXPECT_FALSE(result.machine.clock_mhz);
  EXPECT_EQ(result.basis, Basis::measured);
  EXPECT_DOUBLE_EQ(result.throughput_per_s, 250.5);
  EXPECT_DOUBLE_EQ(result.p90_ms, 34);
}

TEST(Results, MayLackWhatIsNotNeeded) {
  json least = example();
  for (const char* key : {"sequence", "threads", "isa", "instance", "instance_basis", "machine", "date", "p50_ms"})
    least.erase(key);
  least["engine"] = {{"name", "wherry"}};
  least["batch"] = 1;
  const Result result = parse_results(least.dump(), "x.json").at(0);
  EXPECT_EQ(result.work(), "bert, batch 1");
  EXPECT_EQ(result.engine_name(), "wherry");
  EXPECT_EQ(result.instance, "");
  EXPECT_EQ(result.instance_basis, "");
}

TEST(Results, OfAListAreNamedByTheirPlace) {
  const auto results = parse_results(json{example(), example()}.dump(), "all.json");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[1].source, "all.json[1]");
  EXPECT_EQ(refusal("[]"), "x.json: is an empty list; at least one result of schema wherry.result/1 is expected");
  EXPECT_THAT(refusal("[3]"), HasSubstr("x.json[0]: is a JSON number; an object, or a list of objects, is expected"));
}

TEST(Results, OfOtherFormsAreRefused) {
  EXPECT_THAT(refusal("p50: 3"),
              HasSubstr("x.json: is no JSON, or damaged at byte 1; a result of schema wherry.result/1"));
  EXPECT_THAT(refusal(""), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal("7"), HasSubstr("is a JSON number"));
  EXPECT_THAT(refusal("{\"p90_ms\": 1e999}"), HasSubstr("a number beyond a double's range"));
  EXPECT_THAT(refusal_without("schema"),
              HasSubstr("has no \"schema\"; a result of schema wherry.result/1 is expected"));
  EXPECT_EQ(refusal_with("schema", "wherry.result/2"),
            "x.json: is of schema 'wherry.result/2'; this wherry reads wherry.result/1");
  EXPECT_EQ(refusal_with("schema", 1), "x.json: \"schema\" is 1; a string is expected");
}

TEST(Results, WithFiguresThatCannotBeAreRefused) {
  EXPECT_EQ(refusal_without("throughput_per_s"), "x.json: has no \"throughput_per_s\"; a number above 0 is expected");
  EXPECT_EQ(refusal_with("throughput_per_s", nullptr),
            "x.json: has no \"throughput_per_s\"; a number above 0 is expected");
  EXPECT_EQ(refusal_with("throughput_per_s", 0), "x.json: \"throughput_per_s\" is 0; a number above 0 is expected");
  EXPECT_EQ(refusal_with("p90_ms", -1.5), "x.json: \"p90_ms\" is -1.5; a number above 0 is expected");
  EXPECT_EQ(refusal_with("p90_ms", "12"), "x.json: \"p90_ms\" is \"12\"; a number above 0 is expected");
  EXPECT_EQ(refusal_with("batch", 1.5), "x.json: \"batch\" is 1.5; a whole number above 0 is expected");
  EXPECT_EQ(refusal_with("batch", 1e300), "x.json: \"batch\" is 1e+300; a whole number above 0 is expected");
  EXPECT_EQ(refusal_with("basis", "guessed"),
            "x.json: \"basis\" is 'guessed'; measured, modelled or supplied is expected");
  EXPECT_EQ(refusal_with("engine", "wherry"), "x.json: \"engine\" is \"wherry\"; an object is expected");
  EXPECT_EQ(refusal_with("engine", json::object()), "x.json: engine: has no \"name\"; a string is expected");
  EXPECT_EQ(refusal_without("name"), "x.json: has no \"name\"; a string is expected");
  EXPECT_THAT(refusal_with("machine", {{"cores", -2}}), HasSubstr("x.json: machine: \"cores\" is -2"));
  EXPECT_THAT(refusal_with("machine", std::string(100, 'x')), HasSubstr("\"machine\" is a JSON string; an object"));
}

}  // namespace
}  // namespace wherry::cost
