// What a sink is told, and where steps say they come from.

#include "wherry/profile.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "wherry/error.h"
#include "wherry/model.h"

namespace wherry {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

std::string data(const std::string& name) { return WHERRY_SOURCE_DIR "/tests/engine/data/" + name; }

class Log : public ProfileSink {
 public:
  explicit Log(bool runs = true) : runs_(runs) {}
  void take(std::span<const Span> spans) override {
    const std::lock_guard lock(mutex_);
    spans_.insert(spans_.end(), spans.begin(), spans.end());
  }
  bool takes_runs() const override { return runs_; }
  std::vector<Span> drain() { return std::exchange(spans_, {}); }

 private:
  bool runs_;
  std::mutex mutex_;
  std::vector<Span> spans_;
};

std::vector<std::string> kinds_of(const std::vector<Span>& spans) {
  std::vector<std::string> kinds;
  for (const Span& span : spans) {
    EXPECT_LE(span.begin_ns, span.end_ns);
    if (kinds.empty() || kinds.back() != name_of(span.kind)) kinds.emplace_back(name_of(span.kind));
  }
  return kinds;
}

Tensor images(std::int64_t batch) { return Tensor::zeros(DType::f32, {batch, 3, 20, 18}); }

TEST(ProfileSink, IsToldOfEveryPhaseOnceAndOfEveryRun) {
  for (const int threads : {1, 3}) {
    const auto log = std::make_shared<Log>();
    Options options;
    options.threads = threads;
    options.sink = log;
    const Model model = Model::load(data("small_cnn.pt"), options);
    EXPECT_THAT(kinds_of(log->drain()), ElementsAre("load"));
    const std::array inputs{images(1)};
    model.run(inputs);
    const std::vector<Span> first = log->drain();
    EXPECT_THAT(kinds_of(first), ElementsAre("import", "passes", "pack", "plan", "run", "step"));
    int packed = 0;
    for (const Span& span : first) {
      packed += span.kind == Span::Kind::pack;
      EXPECT_EQ(span.name.empty(), span.kind != Span::Kind::pack) << name_of(span.kind);
    }
    EXPECT_EQ(packed, 3);  // two convolutions and a linear layer

    model.run(inputs);
    const std::vector<Span> again = log->drain();
    EXPECT_THAT(kinds_of(again), ElementsAre("run", "step"));
    // The calling thread goes through all steps in order; the others through those they have a share in.
    const auto steps = static_cast<int>(model.inspect(inputs).steps.size());
    int next = 0, thread = 0;
    std::int64_t before = again[0].begin_ns;
    for (const Span& span : std::span(again).subspan(1)) {
      EXPECT_EQ(span.slice, -1);
      if (span.thread != thread) before = again[0].begin_ns;
      EXPECT_GE(span.thread, thread);
      thread = span.thread;
      EXPECT_LE(before, span.begin_ns);
      EXPECT_LE(span.end_ns, again[0].end_ns);
      before = span.end_ns;
      if (thread == 0) {
        EXPECT_EQ(span.step, next++);
      }
    }
    EXPECT_EQ(next, steps);
  }
}

TEST(ProfileSink, MayLeaveRunsOutAndOneRunMayHaveItsOwn) {
  const auto log = std::make_shared<Log>(false);
  Options options;
  options.sink = log;
  const Model model = Model::load(data("small_cnn.pt"), options);
  const std::array inputs{images(2)};
  const Tensor expected = model.run(inputs)[0];
  EXPECT_THAT(kinds_of(log->drain()), ElementsAre("load", "import", "passes", "pack", "plan"));
  Log own;
  const Tensor found = model.run(inputs, own)[0];
  EXPECT_THAT(kinds_of(own.drain()), ElementsAre("run", "step"));
  EXPECT_TRUE(log->drain().empty());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.bytes()), 0);
  EXPECT_THROW(model.run(std::array{Tensor::zeros(DType::f32, {1, 4, 20, 18})}, own), InvalidInput);
}

TEST(ProfileSink, OfABatchInSlicesIsToldOfEachSlice) {
  Options options;
  options.threads = 2;
  const Model model = Model::random("squeezenet1_1", options);
  const std::array inputs{Tensor::zeros(DType::f32, {4, 3, 64, 64})};
  const PlanInfo plan = model.inspect(inputs);
  if (plan.slices == 1) GTEST_SKIP() << "this machine runs the batch as a whole";
  Log log;
  model.run(inputs, log);
  std::set<int> slices;
  for (const Span& span : log.drain())
    if (span.kind == Span::Kind::step) slices.insert(span.slice);
  EXPECT_EQ(static_cast<std::int64_t>(slices.size()), plan.slices);
}

TEST(Provenance, StepsNameTheOpsThatWentIntoThem) {
  const Model model = Model::load(data("small_cnn.pt"));
  const std::array inputs{images(1)};
  std::vector<std::vector<std::string>> ops;
  for (const StepInfo& step : model.inspect(inputs).steps) {
    ops.emplace_back();
    for (const OriginInfo& origin : step.origins) ops.back().push_back(origin.op);
    ASSERT_FALSE(step.modules.empty());
    EXPECT_EQ(step.modules[0].path, "");
  }
  EXPECT_THAT(ops, testing::IsSupersetOf<std::vector<std::string>>({{"aten::conv2d", "aten::batch_norm", "aten::relu"},
                                                                    {"aten::conv2d", "aten::add", "aten::relu"},
                                                                    {"aten::mean"},
                                                                    {"aten::linear"}}));
}

TEST(Provenance, OfATorchScriptFileHasClassesAndCalls) {
  const Model model = Model::load(data("small_cnn.pt"));
  const std::array inputs{images(1)};
  bool found = false;
  for (const StepInfo& step : model.inspect(inputs).steps) {
    if (step.origins.empty() || step.origins[0].module != "second") continue;
    found = true;
    ASSERT_EQ(step.modules.size(), 2U);
    EXPECT_EQ(step.modules[0].type, "SmallCnn");
    EXPECT_EQ(step.modules[1].path, "second");
    EXPECT_EQ(step.modules[1].type, "Conv2d");
    ASSERT_GE(step.calls.size(), 2U);
    EXPECT_EQ(step.calls.back().function, "forward");
    EXPECT_GT(step.calls.back().line, 0);
  }
  EXPECT_TRUE(found);
}

TEST(Provenance, NoArithmeticOfAResNetIsLost) {
  const Model model = Model::random("resnet18");
  const std::array inputs{Tensor::zeros(DType::f32, {1, 3, 64, 64})};
  int convolutions = 0, norms = 0, relus = 0, adds = 0;
  std::vector<std::string> rest;
  for (const StepInfo& step : model.inspect(inputs).steps) {
    for (const OriginInfo& origin : step.origins) {
      convolutions += origin.op == "aten::conv2d";
      norms += origin.op == "aten::batch_norm";
      relus += origin.op == "aten::relu";
      adds += origin.op == "aten::add";
      if (step.op != "convolution") rest.push_back(origin.op);
    }
    if (step.op == "convolution") {
      EXPECT_EQ(step.modules.back().type, "Conv2d");
    }
  }
  EXPECT_EQ(convolutions, 20);
  EXPECT_EQ(norms, 20);
  EXPECT_EQ(relus, 17);
  EXPECT_EQ(adds, 8);
  EXPECT_THAT(rest, IsSupersetOf({"aten::max_pool2d", "aten::adaptive_avg_pool2d", "aten::linear"}));
}

TEST(Provenance, MergedProductsAndAttentionNameAllTheirOps) {
  const Model model = Model::load(data("encoder.pt"));
  const Tensor ids = Tensor::zeros(DType::i64, {1, 7});
  const std::vector<TensorInfo> wanted = model.describe().inputs;
  std::vector<Tensor> inputs(wanted.size(), ids);
  bool attention = false;
  for (const StepInfo& step : model.inspect(inputs).steps) {
    if (step.op != "attention") continue;
    std::set<std::string> ops;
    for (const OriginInfo& origin : step.origins) ops.insert(origin.op);
    attention = true;
    EXPECT_TRUE(ops.contains("aten::softmax")) << testing::PrintToString(ops);
    EXPECT_TRUE(ops.contains("aten::matmul")) << testing::PrintToString(ops);
  }
  EXPECT_TRUE(attention);
}

}  // namespace
}  // namespace wherry
