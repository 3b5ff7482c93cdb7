// Slices of a batch give the answers of the whole, whatever is left over, whoever runs them and however many do so at
// once.

#include "runtime/batch_plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <thread>

#include "interpreter.h"
#include "ir/batch_slices.h"
#include "ir/segments.h"
#include "net.h"
#include "wherry/error.h"

namespace wherry::runtime {
namespace {

/// Makes plans for one team.
struct Planner {
  explicit Planner(int threads) : team(threads) {}

  std::unique_ptr<const Plan> plan(const ir::Graph& graph, Plan::Threads threads) {
    return std::make_unique<const Plan>(graph, weights, primitives, team, base::selected_isa(), Tuning{}, Algorithms{},
                                        threads);
  }
  std::unique_ptr<const StagedPlan> one_stage(const ir::Graph& graph) {
    std::vector<std::unique_ptr<const Plan>> stages;
    stages.push_back(plan(graph, Plan::Threads::one));
    return std::make_unique<const StagedPlan>(std::move(stages));
  }
  /// Of build(net, batch) in slices of `size`.
  template <typename Build>
  BatchPlan sliced(const ir::Graph& whole, std::int64_t batch, std::int64_t size, Build&& build) {
    Net slice(3), rest(3);
    build(slice, size);
    EXPECT_EQ(ir::obstacle_to_slices(whole, slice.graph()), std::nullopt);
    std::unique_ptr<const StagedPlan> last;
    if (batch % size > 0) {
      build(rest, batch % size);
      EXPECT_EQ(ir::obstacle_to_slices(whole, rest.graph()), std::nullopt);
      last = one_stage(rest.graph());
    }
    return {whole, one_stage(slice.graph()), std::move(last), team};
  }
  /// Of a small ResNet: cut at these numbers of nodes, each stage of so many elements.
  std::unique_ptr<const StagedPlan> staged(const std::vector<std::int64_t>& elements,
                                           const std::vector<std::size_t>& cuts) {
    std::vector<std::unique_ptr<const Plan>> stages;
    std::vector<Net> nets;  // all at once: their weights are told apart by where they lie
    for (std::size_t i = 0; i < elements.size(); ++i) {
      Net& net = nets.emplace_back(3);
      build_small_resnet(net, elements[i], 12);
      const std::size_t begin = i == 0 ? 0 : cuts[i - 1];
      const std::size_t end = i == cuts.size() ? net.graph().node_count() : cuts[i];
      stages.push_back(plan(ir::segment(net.graph(), begin, end), Plan::Threads::one));
    }
    return std::make_unique<const StagedPlan>(std::move(stages));
  }

  PackedWeights weights;
  PrimitiveCache primitives{{.entries = 256, .bytes = 1 << 20}};
  ThreadTeam team;
  ArenaPool arenas;
};

void build_resnet(Net& net, std::int64_t batch) { build_small_resnet(net, batch, 12); }

class BatchPlanThreads : public testing::TestWithParam<int> {};

TEST_P(BatchPlanThreads, SlicesAnswerAsTheWhole) {
  // That the whole's are right is plan_test.cc's business.
  struct Case {
    std::int64_t batch, size, slices;
  };
  for (const Case& each : {Case{6, 2, 3}, {6, 3, 2}, {7, 3, 3}, {7, 1, 7}, {32, 4, 8}}) {
    SCOPED_TRACE(testing::Message() << each.batch << " in slices of " << each.size);
    Net net(3);
    build_resnet(net, each.batch);
    Planner planner(GetParam());
    const BatchPlan plan = planner.sliced(net.graph(), each.batch, each.size, build_resnet);
    EXPECT_EQ(plan.slices(), each.slices);
    EXPECT_EQ(plan.slice_size(), each.size);
    EXPECT_EQ(plan.rest_size(), each.batch % each.size);
    EXPECT_EQ(plan.input_types()[0].sizes, net.inputs()[0].sizes());
    const BatchPlan whole(planner.plan(net.graph(), Plan::Threads::team));
    EXPECT_EQ(whole.slices(), 1);
    const Tensor expected = whole.run(net.inputs(), planner.team, planner.arenas)[0];
    for (int round = 0; round < 2; ++round) {
      const std::vector<Tensor> found = plan.run(net.inputs(), planner.team, planner.arenas);
      ASSERT_EQ(found.size(), 1u);
      // Blockings may differ, and with them the order in which products are added up.
      expect_close(found[0], expected, 2e-6, "slices");
    }
    EXPECT_LE(plan.arena_bytes(), whole.arena_bytes() * GetParam());
  }
}

/// Where a small ResNet can be cut.
std::vector<std::size_t> cuts_of_resnet() {
  Net net(3);
  build_resnet(net, 2);
  std::vector<std::size_t> cuts;
  const std::vector<ir::Value*> waists = ir::waists(net.graph());
  for (std::size_t i = 0; i < waists.size(); ++i)
    if (waists[i] != nullptr) cuts.push_back(i);
  return cuts;
}

TEST_P(BatchPlanThreads, StagesAnswerAsTheWhole) {
  const std::vector<std::size_t> cuts = cuts_of_resnet();
  ASSERT_GE(cuts.size(), 3u);
  Net net(3);
  build_resnet(net, 13);
  const Tensor expected = interpret(net.graph(), net.inputs())[0];
  struct Case {
    std::vector<std::int64_t> elements;
    std::vector<std::size_t> cuts;
  };
  std::vector<Case> cases{{{1, 2, 6}, {cuts[0], cuts[2]}}, {{2, 2, 4, 4}, {cuts[0], cuts[1], cuts[2]}}};
  for (const std::size_t cut : cuts) cases.push_back({{1, 4}, {cut}});
  for (const Case& each : cases) {
    SCOPED_TRACE(testing::Message() << each.elements.size() << " stages, the first of " << each.cuts[0] << " nodes");
    Planner planner(GetParam());
    Net rest(3);
    build_resnet(rest, 13 % each.elements.back());
    const BatchPlan plan(net.graph(), planner.staged(each.elements, each.cuts), planner.one_stage(rest.graph()),
                         planner.team);
    EXPECT_EQ(plan.slice_size(), each.elements.back());
    const std::vector<StepInfo> steps = plan.steps();
    ASSERT_EQ(steps.size(), plan.step_count());
    EXPECT_DOUBLE_EQ(steps.front().runs, 13.0 / static_cast<double>(each.elements.front()));
    EXPECT_DOUBLE_EQ(steps.back().runs, 13.0 / static_cast<double>(each.elements.back()));
    for (int round = 0; round < 2; ++round) {
      RunRecord record;
      const std::vector<Tensor> found =
          plan.run(net.inputs(), planner.team, planner.arenas, round == 0 ? nullptr : &record);
      expect_close(found.at(0), expected, 1e-5, "stages");
      if (round == 0) continue;
      const std::vector<double> times = record.step_ms(plan.step_count());
      EXPECT_TRUE(std::all_of(times.begin(), times.end(), [](double ms) { return ms > 0; }));
    }
  }
}

TEST_P(BatchPlanThreads, SeveralCallersAtOnce) {
  Net net(3);
  build_resnet(net, 7);
  Planner planner(GetParam());
  const BatchPlan plan = planner.sliced(net.graph(), 7, 2, build_resnet);
  const Tensor expected = interpret(net.graph(), net.inputs())[0];
  std::array<std::vector<Tensor>, 4> results;
  std::vector<std::thread> callers;
  for (std::vector<Tensor>& result : results) {
    callers.emplace_back([&] {
      for (int i = 0; i < 10; ++i) result = plan.run(net.inputs(), planner.team, planner.arenas);
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::vector<Tensor>& result : results) expect_close(result[0], expected, 1e-5, "a caller's result");
}

TEST_P(BatchPlanThreads, TimesTheStepsOfASlice) {
  Net net(3);
  build_resnet(net, 12);
  Planner planner(GetParam());
  const BatchPlan plan = planner.sliced(net.graph(), 12, 2, build_resnet);
  RunRecord record;
  const auto begin = RunRecord::Clock::now();
  plan.run(net.inputs(), planner.team, planner.arenas, &record);
  const double all = std::chrono::duration<double, std::milli>(record.end - begin).count();
  const std::vector<double> times = record.step_ms(plan.step_count());
  ASSERT_EQ(times.size(), plan.steps().size());
  double sum = 0;
  for (const double time : times) {
    EXPECT_GE(time, 0);
    sum += time;
  }
  EXPECT_GT(sum, 0);
  EXPECT_LE(sum, all);
  // Each slice runs each step once, by one thread, in order.
  std::vector<std::vector<int>> found(static_cast<std::size_t>(plan.slices()));
  for (int thread = 0; thread < record.threads(); ++thread) {
    auto before = begin;
    for (const RunRecord::Entry& entry : record.of(thread)) {
      EXPECT_LE(before, entry.begin);
      EXPECT_LE(entry.begin, entry.end);
      before = entry.end;
      found[static_cast<std::size_t>(entry.slice)].push_back(entry.step);
    }
    EXPECT_LE(before, record.end);
  }
  for (const std::vector<int>& steps : found) {
    ASSERT_EQ(steps.size(), plan.step_count());
    for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i], static_cast<int>(i));
  }
}

INSTANTIATE_TEST_SUITE_P(Teams, BatchPlanThreads, testing::Values(1, 2, 3));

TEST(BatchPlan, SeveralInputsAndOutputsOfOtherTypes) {
  const auto build = [](Net& net, std::int64_t batch) {
    ir::Value* table = net.constant({5, 8});
    ir::Value* x = net.input({batch, 4, 8});
    ir::Value* words =
        net.node("gather", {table, net.input({batch, 4}, DType::i64, 0, 4)}, {{"dim", std::int64_t{0}}}, {batch, 4, 8});
    ir::Value* y = net.elementwise("f32 (x0, x1) { x2 = add x0 x1 }", {x, words}, {batch, 4, 8});
    net.output(net.node("reduce", {y}, {{"dims", Dims{2}}, {"keepdim", false}, {"mode", std::string("argmax")}},
                        {batch, 4}, {}, DType::i64));
    net.output(net.node("view", {y}, {{"offset", std::int64_t{0}}}, {batch * 4, 8}, {8, 1}));
  };
  Net net(3);
  build(net, 5);
  Planner planner(2);
  const BatchPlan plan = planner.sliced(net.graph(), 5, 2, build);
  const std::vector<Tensor> found = plan.run(net.inputs(), planner.team, planner.arenas);
  const std::vector<Tensor> expected = interpret(net.graph(), net.inputs());
  ASSERT_EQ(found.size(), 2u);
  expect_close(found[0], expected[0], 0, "indices");
  expect_close(found[1], expected[1], 1e-7, "rows");

  std::vector<Tensor> inputs = net.inputs();
  Tensor bad = inputs[1].view(inputs[1].sizes(), inputs[1].strides(), 0);
  static_cast<std::int64_t*>(bad.mutable_data())[19] = 5;  // of the last element, the rest's
  inputs[1] = bad;
  EXPECT_THROW(plan.run(inputs, planner.team, planner.arenas), InvalidInput);
}

}  // namespace
}  // namespace wherry::runtime
