// Archives that PyTorch 1.13 and 2.15 wrote (tests/import/data/torchscript/make_archives.py), read from end to end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "import/model_source.h"
#include "import/torchscript/open.h"
#include "ir/ops.h"
#include "test_files.h"

namespace wherry::import::torchscript {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

std::unique_ptr<ModelSource> load(const std::string& name) {
  const std::string path = data_path("torchscript/" + name + ".pt");
  return open(ZipArchive::open(base::MappedFile::open(path)));
}

ir::TensorType f32(Dims sizes) { return {DType::f32, std::move(sizes), {}}; }

ir::Graph graph_of(const ModelSource& source, std::vector<ir::TensorType> inputs) { return source.graph(inputs); }

std::vector<std::string> ops(const ir::Graph& graph) {
  std::vector<std::string> names;
  for (const ir::Node* node : graph.nodes()) names.push_back(node->op().substr(6));
  return names;
}

/// The elements of an output that depends on no input.
std::vector<double> constant_output(const ir::Graph& graph, std::size_t index) {
  std::map<const ir::Value*, Tensor> known;
  for (const ir::Value* value : graph.constants()) known[value] = value->constant()->get();
  for (const ir::Node* node : graph.nodes()) {
    std::vector<const Tensor*> inputs;
    std::vector<ir::TensorType> types;
    bool ready = ir::can_evaluate(node->op());
    for (const ir::Value* input : node->inputs()) {
      ready = ready && known.contains(input);
      if (ready) inputs.push_back(&known.at(input));
    }
    if (!ready) continue;
    for (const ir::Value* output : node->outputs()) types.push_back(output->type());
    const auto results = ir::evaluate(node->op(), inputs, node->attributes(), types);
    for (std::size_t i = 0; results && i < results->size(); ++i) known[node->output(i)] = (*results)[i];
  }
  const Tensor& tensor = known.at(graph.outputs()[index]);
  const Tensor values = tensor.contiguous().to(DType::f64);
  return {values.values<double>().begin(), values.values<double>().end()};
}

class TorchScriptArchive : public testing::TestWithParam<const char*> {
 protected:
  std::string file(const std::string& name) const { return name + "_" + GetParam(); }
};

TEST_P(TorchScriptArchive, DescribesItsInputsAndParameters) {
  const auto model = load(file("control_flow_scripted"));
  const ModelInfo info = model->describe();
  EXPECT_EQ(info.format, "TorchScript");
  ASSERT_EQ(info.inputs.size(), 2u);
  EXPECT_EQ(info.inputs[0].name, "x");
  EXPECT_EQ(info.inputs[1].name, "mask");
  EXPECT_EQ(info.parameter_count, 2 * (4 * 4 * 9 + 4 + 4 + 4) + 3 * 4 + 3);
  EXPECT_EQ(info.parameter_bytes, 4 * info.parameter_count);
}

TEST_P(TorchScriptArchive, RunsItsControlFlow) {
  const auto model = load(file("control_flow_scripted"));
  const ir::Graph graph = graph_of(*model, {f32({2, 4, 6, 7})});
  ir::verify(graph);
  EXPECT_THAT(graph.output_names(), ElementsAre("logits", "sizes.a", "sizes.b"));
  EXPECT_THAT(ops(graph), ElementsAre("conv2d", "batch_norm", "relu", "add", "mul", "conv2d", "batch_norm", "relu",
                                      "mul", "mean", "mean", "amax", "stack", "sum", "linear"));
  EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{2, 3}));
  EXPECT_THAT(constant_output(graph, 2), ElementsAre(2, 2));
  const ir::Node* norm = graph.nodes()[1];
  EXPECT_EQ(norm->source().module, "blocks.0.norm");
  EXPECT_THAT(norm->source().file, HasSubstr("make_archives.py"));
  EXPECT_EQ(norm->source().line, 31);
  EXPECT_EQ(norm->input(1)->name(), "blocks.0.norm.weight");
}

TEST_P(TorchScriptArchive, AnOptionalInputChangesTheGraph) {
  const auto model = load(file("control_flow_scripted"));
  const ir::Graph graph = graph_of(*model, {f32({1, 4, 6, 7}), f32({6, 7})});
  EXPECT_EQ(ops(graph).size(), 16u);
  EXPECT_EQ(graph.inputs().size(), 2u);
}

TEST_P(TorchScriptArchive, RefusesInputsThatDoNotFit) {
  const auto model = load(file("control_flow_scripted"));
  EXPECT_THAT(message_of<InvalidInput>([&] { graph_of(*model, {}); }),
              HasSubstr("found 0 inputs, expected 1 to 2: x, mask"));
  EXPECT_THAT(message_of<InvalidInput>([&] { graph_of(*model, {f32({4, 6})}); }), HasSubstr("an image batch"));
  EXPECT_THAT(message_of<InvalidInput>([&] { graph_of(*model, {f32({1, 3, 6, 7})}); }),
              AllOf(HasSubstr("expected 4 channels, got 3"), HasSubstr("make_archives.py:")));
  EXPECT_THAT(message_of<InvalidInput>([&] { graph_of(*model, {f32({1, 4, 6, 7}), f32({5, 5})}); }), HasSubstr("mul"));
}

TEST_P(TorchScriptArchive, WritesThroughSlices) {
  // What PyTorch computes for 6 × 7 pixels.
  std::vector<double> mask;
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column < 7; ++column) {
      const int value = row == 5 ? 2 : (row < 3 && column > 0 ? 1 : 0);
      mask.push_back(value + (column == 0 ? 3 : 0));
    }
  }
  for (const char* kind : {"in_place_scripted", "in_place_traced"}) {
    const auto model = load(file(kind));
    const ir::Graph graph = graph_of(*model, {f32({1, 4, 6, 7})});
    ir::verify(graph);
    EXPECT_THAT(graph.output_names(), ElementsAre("output_0", "output_1")) << kind;
    EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{48, 4})) << kind;
    EXPECT_EQ(constant_output(graph, 1), mask) << kind;
  }
}

TEST_P(TorchScriptArchive, AnotherShapeIsAnotherGraph) {
  const auto model = load(file("in_place_scripted"));
  EXPECT_EQ(graph_of(*model, {f32({2, 4, 5, 8})}).outputs()[0]->type().sizes, (Dims{80, 4}));
}

TEST_P(TorchScriptArchive, ReportsEverythingItLacks) {
  const auto model = load(file("unsupported_scripted"));
  try {
    graph_of(*model, {f32({3, 3})});
    FAIL();
  } catch (const Unsupported& error) {
    std::vector<std::string> found;
    for (const auto& item : error.items()) {
      found.push_back(item.op);
      EXPECT_THAT(item.where, HasSubstr("make_archives.py:")) << item.op;
    }
    EXPECT_THAT(found, ElementsAre("aten::special_i1", "control flow that depends on the values of a tensor",
                                   "aten::linalg_det", "aten::linalg_eigh",
                                   "a number read from a tensor that depends on the input"));
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
  }
}

TEST_P(TorchScriptArchive, ThreadsMayAskForGraphsAtOnce) {
  const auto model = load(file("control_flow_scripted"));
  std::vector<std::thread> threads;
  std::vector<std::string> texts(4);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    threads.emplace_back([&, i] { texts[i] = ir::print(graph_of(*model, {f32({1, 4, 6, 7})})); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) EXPECT_EQ(text, texts[0]);
}

TEST_P(TorchScriptArchive, DamagedArchivesAreRefused) {
  const std::string content = read_file(data_path("torchscript/" + file("unsupported_scripted") + ".pt"));
  mutate(content, 7, [](Bytes bytes) {
    const auto model = open(ZipArchive::open("damaged.pt", std::move(bytes)));
    model->describe();
    const ir::TensorType input = f32({3, 3});
    (void)model->graph(std::span(&input, 1));
  });
}

INSTANTIATE_TEST_SUITE_P(PyTorch, TorchScriptArchive, testing::Values("1_13", "2_15"));

}  // namespace
}  // namespace wherry::import::torchscript
