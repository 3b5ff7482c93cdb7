// golden.txt holds small graphs of ATen ops with PyTorch's results (make_goldens.py wrote it). Each must come out the
// same after lowering alone, and after the whole pipeline with strides, views and fused programs.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "interpreter.h"
#include "ir/ops.h"
#include "passes/pipeline.h"
#include "passes/rules.h"
#include "tensor/elements.h"

namespace wherry::passes {
namespace {

struct Golden {
  std::string name;
  std::vector<std::string> fills;  ///< one per graph input: "uniform(1, -1.0, 1.0)"
  std::string graph;
  std::vector<std::vector<double>> expected;
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.name; }

std::vector<Golden> read_goldens() {
  std::ifstream file(std::string(WHERRY_SOURCE_DIR) + "/tests/passes/golden.txt");
  std::vector<Golden> all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("case ")) {
      all.push_back({line.substr(5), {}, {}, {}});
    } else if (line.starts_with("inputs ")) {
      std::istringstream list(line.substr(7));
      for (std::string fill; std::getline(list, fill, ';');) all.back().fills.push_back(fill);
    } else if (line.starts_with("expect")) {
      all.back().expected.emplace_back();
      std::istringstream values(line.substr(6));
      // strtod, unlike >>, reads nan and inf.
      for (std::string word; values >> word;) all.back().expected.back().push_back(std::strtod(word.c_str(), nullptr));
    } else if (line != "end" && !line.starts_with("#")) {
      all.back().graph += line + "\n";
    }
  }
  return all;
}

std::vector<Tensor> make_inputs(const ir::Graph& graph, const std::vector<std::string>& fills) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const ir::TensorType& type = graph.inputs()[i]->type();
    const ir::Graph made = ir::parse_graph(fmt::format("graph() {{\n  %x = constant {}{} {}\n  return %x as x\n}}\n",
                                                       name_of(type.dtype), to_string(type.sizes), fills.at(i)));
    inputs.push_back(made.constants()[0]->constant()->get());
  }
  return inputs;
}

class FromPyTorch : public testing::TestWithParam<Golden> {};

void expect_golden(const Golden& golden, const ir::Graph& graph) {
  const auto found = interpret(graph, make_inputs(graph, golden.fills));
  ASSERT_EQ(found.size(), golden.expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    Tensor expected = Tensor::empty(found[i].dtype(), found[i].sizes());
    ASSERT_EQ(expected.numel(), static_cast<std::int64_t>(golden.expected[i].size()));
    for (std::size_t k = 0; k < golden.expected[i].size(); ++k)
      tensor::store_double(expected.mutable_data(), expected.dtype(), static_cast<std::int64_t>(k),
                           golden.expected[i][k]);
    EXPECT_LT(difference(found[i], expected), 1e-5) << "output " << i << " of\n" << ir::print(graph);
  }
}

TEST_P(FromPyTorch, AfterLowering) {
  ir::Graph graph = ir::parse_graph(GetParam().graph);
  ir::verify(graph);
  lower(graph);
  ir::verify(graph);
  expect_golden(GetParam(), graph);
}

TEST_P(FromPyTorch, AfterAllPasses) {
  ir::Graph graph = ir::parse_graph(GetParam().graph);
  for (const Pass& pass : pipeline()) {
    pass.run(graph);
    ASSERT_NO_THROW(ir::verify(graph)) << "after " << pass.name;
  }
  expect_golden(GetParam(), graph);
}

INSTANTIATE_TEST_SUITE_P(, FromPyTorch, testing::ValuesIn(read_goldens()), [](const auto& test) {
  std::string name = fmt::format("{}_{}", test.index, test.param.name);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

}  // namespace
}  // namespace wherry::passes
