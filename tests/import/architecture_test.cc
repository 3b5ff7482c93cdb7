// The built-in architectures against torchvision's own state dicts (names and sizes; one number behind each entry).

#include "import/architectures/architecture.h"

#include "import/architectures/random_weights.h"
#include "import/state_dict/state_dict_source.h"
#include "ir/ops.h"
#include "test_files.h"

namespace wherry::import {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

StateDict read(const std::string& name) {
  return read_state_dict(ZipArchive::open(base::MappedFile::open(data_path(name + ".pth"))));
}

StateDict without(StateDict weights, const std::string& name) {
  std::erase_if(weights.entries, [&](const auto& entry) { return entry.first == name; });
  weights.index.clear();
  for (std::size_t i = 0; i < weights.entries.size(); ++i) weights.index.emplace(weights.entries[i].first, i);
  return weights;
}

StateDict with(StateDict weights, const std::string& name, Dims sizes, DType dtype = DType::f32) {
  weights = without(std::move(weights), name);
  weights.index.emplace(name, weights.entries.size());
  weights.entries.emplace_back(name, tensor::LazyTensor::of(Tensor::zeros(dtype, std::move(sizes))));
  return weights;
}

struct Published {
  std::string name;
  std::int64_t parameters;  ///< as torchvision's documentation gives them
};

const std::vector<Published> kPublished = {
    {"resnet18", 11689512},
    {"resnet34", 21797672},
    {"resnet50", 25557032},
    {"resnet101", 44549160},
    {"resnet152", 60192808},
    {"resnext50_32x4d", 25028904},
    {"resnext101_32x8d", 88791336},
    {"resnext101_64x4d", 83455272},
    {"wide_resnet50_2", 68883240},
    {"wide_resnet101_2", 126886696},
    {"mobilenet_v2", 3504872},
    {"mobilenet_v3_small", 2542856},
    {"mobilenet_v3_large", 5483032},
    {"alexnet", 61100840},
    {"vgg11", 132863336},
    {"vgg11_bn", 132868840},
    {"vgg16", 138357544},
    {"vgg16_bn", 138365992},
    {"vgg19", 143667240},
    {"squeezenet1_0", 1248424},
    {"squeezenet1_1", 1235496},
    {"densenet121", 7978856},
    {"densenet161", 28681000},
    {"densenet169", 14149480},
    {"densenet201", 20013928},
    {"mnasnet0_5", 2218512},
    {"mnasnet1_0", 4383312},
    {"shufflenet_v2_x0_5", 1366792},
    {"shufflenet_v2_x1_0", 2278604},
    {"shufflenet_v2_x2_0", 7393996},
};

TEST(Architecture, ListsAll) {
  ASSERT_EQ(architectures().size(), kPublished.size());
  for (const auto& [name, parameters] : kPublished) EXPECT_NE(find_architecture(name), nullptr) << name;
  EXPECT_EQ(find_architecture("resnet51"), nullptr);
}

TEST(Architecture, EachFitsItsOwnStateDictAndNoOther) {
  for (const auto& published : kPublished) {
    const StateDict weights = read(published.name);
    for (const Architecture& architecture : architectures()) {
      const std::string found = differences(architecture, weights);
      EXPECT_EQ(found.empty(), architecture.name == published.name)
          << published.name << " as " << architecture.name << ": " << found;
    }
  }
}

TEST(Architecture, RecordsWholeGraphs) {
  for (const auto& [name, parameters] : kPublished) {
    SCOPED_TRACE(name);
    const auto source = make_state_dict_source(read(name), name);
    const ModelInfo info = source->describe();
    EXPECT_EQ(info.format, "state dict (" + name + ")");
    EXPECT_EQ(info.parameter_count, parameters);
    EXPECT_EQ(info.parameter_bytes, 4 * parameters);
    const std::vector<ir::TensorType> image = {{DType::f32, {2, 3, 224, 192}, {}}};
    const ir::Graph graph = source->graph(image);
    ir::verify(graph);
    ASSERT_EQ(graph.outputs().size(), 1u);
    EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{2, 1000}));
  }
}

TEST(Architecture, NodesKnowTheirModule) {
  const auto source = make_state_dict_source(read("resnet18"), "resnet18");
  const std::vector<ir::TensorType> image = {{DType::f32, {1, 3, 224, 224}, {}}};
  const ir::Graph graph = source->graph(image);
  std::vector<std::string> convolutions;
  for (const ir::Node* node : graph.nodes()) {
    if (node->op() == "aten::conv2d") convolutions.push_back(node->source().module);
  }
  EXPECT_EQ(convolutions.size(), 20u);
  EXPECT_EQ(convolutions[0], "conv1");
  EXPECT_EQ(convolutions[1], "layer1.0.conv1");
  EXPECT_EQ(convolutions.back(), "layer4.1.conv2");
}

TEST(Architecture, FollowsClassesAndWidth) {
  const auto source = make_state_dict_source(read("mobilenet_v2_half_7_classes"), "mobilenet_v2");
  const std::vector<ir::TensorType> image = {{DType::f32, {1, 3, 224, 224}, {}}};
  const ir::Graph graph = source->graph(image);
  EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{1, 7}));
  StateDict few = with(with(read("resnet18"), "fc.weight", {10, 512}), "fc.bias", {10});
  EXPECT_EQ(make_state_dict_source(std::move(few), "resnet18")->graph(image).outputs()[0]->type().sizes, (Dims{1, 10}));
}

// densenet121-a639ec97.pth and its siblings say "norm.1", torchvision's module "norm1".
TEST(Architecture, ReadsDenseNetsOldNames) {
  StateDict weights = read("densenet121");
  weights.index.clear();
  for (std::size_t i = 0; i < weights.entries.size(); ++i) {
    std::string& name = weights.entries[i].first;
    if (name.find("denselayer") != std::string::npos)
      for (const char* kind : {".norm1.", ".norm2.", ".conv1.", ".conv2."})
        if (const auto at = name.find(kind); at != std::string::npos) name.insert(at + 5, ".");
    weights.index.emplace(name, i);
  }
  ASSERT_NE(weights.find("features.denseblock4.denselayer16.conv.2.weight"), nullptr);
  EXPECT_EQ(differences(*find_architecture("densenet121"), weights), "");
}

TEST(Architecture, WidensHalfPrecision) {
  StateDict weights = with(read("resnet18"), "fc.bias", {1000}, DType::f16);
  const auto source = make_state_dict_source(std::move(weights), "resnet18");
  const std::vector<ir::TensorType> image = {{DType::f32, {1, 3, 64, 64}, {}}};
  const ir::Graph graph = source->graph(image);
  for (const ir::Value* constant : graph.constants()) EXPECT_EQ(constant->type().dtype, DType::f32);
  EXPECT_EQ(graph.outputs()[0]->producer()->input(2)->constant()->get().dtype(), DType::f32);
}

TEST(Architecture, ReportsAllDifferencesTogether) {
  StateDict weights = without(without(read("resnet18"), "bn1.weight"), "layer4.1.conv2.weight");
  weights = with(std::move(weights), "conv1.weight", {64, 1, 7, 7});
  weights = with(std::move(weights), "head.extra", {3});
  const std::string message = message_of<InvalidModel>([&] { make_state_dict_source(std::move(weights), "resnet18"); });
  EXPECT_THAT(message, HasSubstr("2 missing (bn1.weight, layer4.1.conv2.weight)"));
  EXPECT_THAT(message,
              HasSubstr("1 of other sizes (conv1.weight float32[64, 1, 7, 7], expected float32[64, 3, 7, 7])"));
  EXPECT_THAT(message, HasSubstr("1 that the architecture does not have (head.extra)"));
  EXPECT_THAT(message, AllOf(HasSubstr("resnet18.pth"), Not(HasSubstr("--arch"))));
}

TEST(Architecture, RefusesIntegerWeights) {
  StateDict weights = with(read("resnet18"), "fc.bias", {1000}, DType::i32);
  EXPECT_THAT(message_of<InvalidModel>([&] { make_state_dict_source(std::move(weights), "resnet18"); }),
              HasSubstr("fc.bias int32[1000], expected float32[1000]"));
}

TEST(Architecture, GuessesFromTheWeights) {
  EXPECT_THAT(message_of<InvalidInput>([] { make_state_dict_source(read("resnet34"), ""); }),
              AllOf(HasSubstr("must be named"), HasSubstr("fit --arch resnet34"), HasSubstr("mobilenet_v2")));
  EXPECT_THAT(message_of<InvalidInput>([] { make_state_dict_source(read("resnet34"), "resnet"); }),
              AllOf(HasSubstr("no architecture 'resnet'"), HasSubstr("fit --arch resnet34")));
  EXPECT_THAT(message_of<InvalidModel>([] { make_state_dict_source(read("resnet34"), "resnet50"); }),
              HasSubstr("fit --arch resnet34"));
}

struct Statistics {
  double mean = 0, variance = 0;
};
Statistics statistics_of(const StateDict& weights, const std::string& name) {
  const Tensor tensor = weights.find(name)->get();
  double sum = 0, squares = 0;
  for (const float value : tensor.values<float>()) {
    sum += value;
    squares += double{value} * value;
  }
  const double mean = sum / static_cast<double>(tensor.numel());
  return {mean, squares / static_cast<double>(tensor.numel()) - mean * mean};
}

TEST(RandomWeights, FillEveryArchitecture) {
  for (const Architecture& architecture : architectures())
    EXPECT_EQ(differences(architecture, random_weights(architecture, 1)), "") << architecture.name;
}

TEST(RandomWeights, AreHesAndBatchNormsFollowTheirInputs) {
  const StateDict weights = random_weights(*find_architecture("resnet152"), 1);
  const Statistics convolution = statistics_of(weights, "layer3.5.conv2.weight");
  EXPECT_NEAR(convolution.mean, 0, 1e-4);
  EXPECT_NEAR(convolution.variance, 2.0 / (256 * 9), 0.02 * 2 / (256 * 9));
  // A trunk of residual blocks grows, and the first batch norm of each block divides by it.
  const double early = statistics_of(weights, "layer3.1.bn1.running_var").mean;
  const double late = statistics_of(weights, "layer3.35.bn1.running_var").mean;
  EXPECT_GT(late, 4 * early);
  EXPECT_LT(late, 200 * early);
}

TEST(RandomWeights, DependOnSeedAndNameAlone) {
  const Architecture& architecture = *find_architecture("squeezenet1_1");
  const auto values = [&](std::uint64_t seed, const std::string& name) {
    const Tensor tensor = random_weights(architecture, seed).find(name)->get();
    const auto all = tensor.values<float>();
    return std::vector<float>(all.begin(), all.end());
  };
  const std::string one = "features.3.expand1x1.weight", other = "features.4.expand1x1.weight";
  EXPECT_EQ(values(1, one), values(1, one));
  EXPECT_NE(values(1, one), values(2, one));
  EXPECT_NE(values(1, one), values(1, other));
}

TEST(RandomWeights, RefuseUnknownArchitectures) {
  EXPECT_THAT(message_of<InvalidInput>([] { make_random_source("resnet51", 1); }),
              AllOf(HasSubstr("'resnet51'"), HasSubstr("resnet50, ")));
}

TEST(Architecture, RefusesOtherInputs) {
  const auto source = make_state_dict_source(read("resnet18"), "resnet18");
  auto refusal = [&](std::vector<ir::TensorType> inputs) {
    return message_of<InvalidInput>([&] { source->graph(inputs); });
  };
  const ir::TensorType image{DType::f32, {1, 3, 224, 224}, {}};
  EXPECT_THAT(refusal({}), HasSubstr("one input"));
  EXPECT_THAT(refusal({image, image}), HasSubstr("one input"));
  EXPECT_THAT(refusal({{DType::u8, {1, 3, 224, 224}, {}}}), HasSubstr("uint8[1, 3, 224, 224]"));
  EXPECT_THAT(refusal({{DType::f32, {1, 1, 224, 224}, {}}}), HasSubstr("[N, 3, H, W]"));
  EXPECT_THAT(refusal({{DType::f32, {3, 224, 224}, {}}}), HasSubstr("[N, 3, H, W]"));
}

}  // namespace
}  // namespace wherry::import
