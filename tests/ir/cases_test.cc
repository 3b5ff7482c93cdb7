// Types and values of ops against what PyTorch answered: data/types.txt and data/values.txt, made by make_cases.py.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "ir/ops.h"
#include "tensor/elements.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

/// Parts between commas that stand in no brackets.
std::vector<std::string> split_top(const std::string& text) {
  std::vector<std::string> parts;
  int depth = 0;
  std::string part;
  for (const char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.push_back(part);
      part.clear();
    } else if (c != ' ' || !part.empty()) {
      part += c;
    }
  }
  if (!part.empty()) parts.push_back(part);
  return parts;
}

struct Case {
  std::string line, op, attributes, expected;
  std::vector<std::string> inputs;
};

std::vector<Case> read_cases(const std::string& name) {
  std::ifstream file(std::string(WHERRY_SOURCE_DIR "/tests/ir/data/") + name);
  EXPECT_TRUE(file.good());
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    Case one;
    one.line = line;
    const auto open = line.find('('), close = line.find(')'), arrow = line.rfind(" -> ");
    one.op = line.substr(0, open);
    one.inputs = split_top(line.substr(open + 1, close - open - 1));
    one.attributes = line.substr(close + 1, arrow - close - 1);
    one.expected = line.substr(arrow + 4);
    cases.push_back(std::move(one));
  }
  return cases;
}

/// A graph with one node of the case's op; inputs are graph inputs or constants, as the text of an input says.
Graph graph_of(const Case& one) {
  std::string inputs, constants, arguments;
  for (std::size_t i = 0; i < one.inputs.size(); ++i) {
    const std::string& text = one.inputs[i];
    if (i) arguments += ", ";
    if (text == "none") {
      arguments += "none";
      continue;
    }
    arguments += fmt::format("%i{}", i);
    if (text.find("] [") != std::string::npos)
      constants += fmt::format("%i{} = constant {}\n", i, text);
    else
      inputs += fmt::format("{}%i{}: {}", inputs.empty() ? "" : ", ", i, text);
  }
  return parse_graph(fmt::format("graph({}) {{\n{}%r: float32[] = {}({}){}\nreturn %r as r }}", inputs, constants,
                                 one.op, arguments, one.attributes));
}

std::vector<TensorType> inferred(const Graph& graph) {
  const Node* node = graph.nodes().front();
  std::vector<const TensorType*> types;
  for (const Value* input : node->inputs()) types.push_back(input ? &input->type() : nullptr);
  return infer_types(node->op(), types, node->attributes());
}

std::string join(const std::vector<TensorType>& types) {
  std::string text;
  for (const TensorType& type : types) text += (text.empty() ? "" : ", ") + to_string(type);
  return text;
}

TEST(Cases, TypesArePyTorchs) {
  const auto cases = read_cases("types.txt");
  ASSERT_GT(cases.size(), 1500u);
  for (const Case& one : cases) {
    const Graph graph = graph_of(one);
    try {
      EXPECT_EQ(join(inferred(graph)), one.expected) << one.line;
    } catch (const InvalidModel& error) {
      EXPECT_EQ("error", one.expected) << one.line << "\n" << error.what();
    }
  }
}

double tolerance(DType dtype, double value) {
  const double scale = std::max(std::abs(value), 1e-3);
  switch (dtype) {
    case DType::f32: return 2e-6 * scale;
    case DType::f64: return 1e-14 * scale;
    case DType::f16: return 1e-3 * scale;
    case DType::bf16: return 8e-3 * scale;
    default: return 0;
  }
}

void expect_equal(const Tensor& got, const Tensor& wanted, const std::string& line) {
  ASSERT_EQ(to_string(TensorType{got.dtype(), got.sizes(), {}}),
            to_string(TensorType{wanted.dtype(), wanted.sizes(), {}}))
      << line;
  for (std::int64_t i = 0; i < got.numel(); ++i) {
    if (!is_floating(got.dtype())) {
      EXPECT_EQ(tensor::load_int(got.data(), got.dtype(), i), tensor::load_int(wanted.data(), wanted.dtype(), i))
          << line << "\nelement " << i;
      continue;
    }
    const double a = tensor::load_double(got.data(), got.dtype(), i);
    const double b = tensor::load_double(wanted.data(), wanted.dtype(), i);
    if (std::isnan(b) || std::isinf(b))
      EXPECT_TRUE(std::isnan(b) ? std::isnan(a) : a == b) << line << "\nelement " << i << ": " << a << " vs " << b;
    else
      EXPECT_NEAR(a, b, tolerance(got.dtype(), b)) << line << "\nelement " << i;
  }
}

TEST(Cases, ValuesArePyTorchs) {
  const auto cases = read_cases("values.txt");
  ASSERT_GT(cases.size(), 300u);
  for (const Case& one : cases) {
    const Graph graph = graph_of(one);
    const Node* node = graph.nodes().front();
    std::vector<Tensor> tensors;
    std::vector<const Tensor*> inputs;
    for (const Value* input : node->inputs()) tensors.push_back(input ? input->constant()->get() : Tensor());
    for (std::size_t i = 0; i < tensors.size(); ++i) inputs.push_back(node->input(i) ? &tensors[i] : nullptr);
    const auto results = evaluate(node->op(), inputs, node->attributes(), inferred(graph));
    ASSERT_TRUE(results.has_value()) << one.line;

    std::string wanted_text;
    const auto wanted = split_top(one.expected);
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted_text += fmt::format("%e{} = constant {}\n", i, wanted[i]);
    const Graph expected = parse_graph("graph() {\n" + wanted_text + "return }");
    ASSERT_EQ(results->size(), expected.constants().size()) << one.line;
    for (std::size_t i = 0; i < results->size(); ++i)
      expect_equal((*results)[i], expected.constants()[i]->constant()->get(), one.line);
  }
}

}  // namespace
}  // namespace wherry::ir
