// new_shapes MODEL [--arch NAME] [--threads N] [--bf16]
// What a shape costs that was never seen: import, each pass, planning, in milliseconds, once the weights are packed.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "base/cores.h"
#include "import/model_source.h"
#include "passes/pipeline.h"
#include "passes/rules.h"
#include "program.h"
#include "runtime/plan.h"

namespace {

using wherry::Dims;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

int run(int argc, char** argv) {
  std::string path, arch;
  int threads = wherry::base::usable_cores();
  int rounds = 5;
  bool bf16 = false;
  CLI::App app("Times what a new input shape costs");
  app.add_option("model", path)->required();
  app.add_option("--arch", arch);
  app.add_option("--threads", threads);
  app.add_option("--rounds", rounds, "Passes over the list of shapes");
  app.add_flag("--bf16", bf16);
  CLI11_PARSE(app, argc, argv);

  const auto start = Clock::now();
  const auto source = wherry::import::open_model(path, arch);
  fmt::print("open {:.2f} ms\n", milliseconds_since(start));
  wherry::runtime::PackedWeights weights;
  wherry::runtime::ThreadTeam team(threads);
  std::vector<std::unique_ptr<wherry::runtime::Plan>> plans;
  std::vector<std::string> names{"import"};
  for (const auto& pass : wherry::passes::pipeline()) names.emplace_back(pass.name);
  if (bf16) names.emplace_back("use_bf16");
  names.emplace_back("plan");
  names.emplace_back("all");
  std::vector<std::vector<double>> times(names.size());

  const std::vector<Dims> shapes{{1, 3, 224, 224}, {1, 3, 230, 198}, {3, 3, 224, 224}, {2, 3, 160, 160},
                                 {1, 3, 288, 288}, {4, 3, 97, 131},  {1, 3, 192, 256}, {8, 3, 224, 224}};
  for (int round = 0; round < rounds; ++round) {
    // Every round starts without primitives, so that no shape has been seen.
    wherry::runtime::PrimitiveCache primitives({.entries = 1024, .bytes = 64 << 20});
    for (const Dims& shape : shapes) {
      const bool first = round == 0 && plans.empty();
      std::vector<double> stages;
      const auto begin = Clock::now();
      auto at = begin;
      const auto stage = [&] {
        stages.push_back(milliseconds_since(at));
        at = Clock::now();
      };
      wherry::ir::Graph graph = source->graph(std::vector<wherry::ir::TensorType>{{wherry::DType::f32, shape, {}}});
      stage();
      for (const auto& pass : wherry::passes::pipeline()) {
        pass.run(graph);
        stage();
      }
      if (bf16) {
        wherry::passes::use_bf16(graph);
        stage();
      }
      plans.push_back(
          std::make_unique<wherry::runtime::Plan>(graph, weights, primitives, team, wherry::base::selected_isa()));
      stage();
      stages.push_back(milliseconds_since(begin));
      if (plans.size() > 1 && round > 0) plans.erase(plans.begin());
      if (first) {
        fmt::print("first shape, packing {} weights: {:.1f} ms\n", weights.totals().packings, stages.back());
        continue;
      }
      for (std::size_t i = 0; i < stages.size(); ++i) times[i].push_back(stages[i]);
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::vector<double>& each = times[i];
    std::sort(each.begin(), each.end());
    fmt::print("{:<18} median {:7.3f}  best {:7.3f}  worst {:7.3f} ms\n", names[i], each[each.size() / 2], each.front(),
               each.back());
  }
  fmt::print("weights packed {}, reused {}\n", weights.totals().packings, weights.totals().reuses);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return wherry::benchmarks::run_program("new_shapes", run, argc, argv); }
