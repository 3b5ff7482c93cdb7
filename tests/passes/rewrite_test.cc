// Pass tests are data: each *.test file here is passes' names, a graph, "----", and the graph they make of it.
// WHERRY_UPDATE_TESTS=1 rewrites the files with what the passes make now; read the diff before committing it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "interpreter.h"
#include "ir/ops.h"
#include "passes/pipeline.h"

namespace wherry::passes {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(WHERRY_SOURCE_DIR) / "tests/passes";

struct Case {
  std::string comment;  ///< lines before "passes:", kept when the file is rewritten
  std::vector<std::string> passes;
  std::string before;
  std::string after;
};

Case read_case(const std::filesystem::path& path) {
  std::ifstream file(path);
  Case result;
  std::string line;
  std::string* part = &result.before;
  while (std::getline(file, line)) {
    if (line.starts_with("passes:") && result.passes.empty()) {
      std::istringstream names(line.substr(7));
      for (std::string name; names >> name;) result.passes.push_back(name);
    } else if (result.passes.empty()) {
      result.comment += line + "\n";
    } else if (line == "----") {
      part = &result.after;
    } else {
      *part += line + "\n";
    }
  }
  return result;
}

void run_pass(ir::Graph& graph, const std::string& name) {
  for (const Pass& pass : pipeline(true))
    if (pass.name == name) return pass.run(graph);
  FAIL() << "no pass is called " << name;
}

class Rewrite : public testing::TestWithParam<std::string> {};

TEST_P(Rewrite, MakesTheGraphBelow) {
  const auto path = kFolder / (GetParam() + ".test");
  const Case test = read_case(path);
  ASSERT_FALSE(test.passes.empty()) << path << " has no \"passes:\" line";
  ir::Graph graph = ir::parse_graph(test.before);
  ir::verify(graph);
  for (const std::string& name : test.passes) {
    run_pass(graph, name);
    ir::verify(graph);
  }
  const std::string made = ir::print(graph);
  if (std::getenv("WHERRY_UPDATE_TESTS")) {
    std::ofstream file(path);
    file << test.comment << "passes:";
    for (const std::string& name : test.passes) file << " " << name;
    file << "\n" << test.before << "----\n" << made;
    return;
  }
  EXPECT_EQ(made, test.after);
}

/// Whatever the file says, the passes must not change what the graph computes.
TEST_P(Rewrite, KeepsTheMeaning) {
  const Case test = read_case(kFolder / (GetParam() + ".test"));
  ir::Graph before = ir::parse_graph(test.before);
  ir::Graph after = ir::parse_graph(test.before);
  run_pass(before, "lower");
  for (const std::string& name : test.passes) run_pass(after, name);
  if (test.passes.front() == "fold_constants") run_pass(after, "lower");
  // bf16 has eight bits: each rounding is within 1/256 of a number.
  const bool rounds = std::count(test.passes.begin(), test.passes.end(), "use_bf16") > 0;
  const auto inputs = uniform_inputs(before, 1);
  const auto expected = interpret(before, inputs), found = interpret(after, inputs);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_LT(difference(found[i], expected[i]), rounds ? 0.03 : 2e-5) << "output " << i;
}

std::vector<std::string> all_cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder))
    if (entry.path().extension() == ".test") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, Rewrite, testing::ValuesIn(all_cases()), [](const auto& test) { return test.param; });

}  // namespace
}  // namespace wherry::passes
