// Medians of whole inferences whose steps are timed, in turns with inferences that run freely.

#include "bench/profile.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace wherry::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> samples) { return Latency{std::move(samples), {}}.percentile(50); }

}  // namespace

double Profile::steps_ms() const { return std::accumulate(step_ms.begin(), step_ms.end(), 0.0); }

std::vector<StepKind> Profile::kinds() const {
  std::vector<StepKind> kinds;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> found;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepInfo& step = steps[i];
    const auto [at, added] = found.try_emplace({step.op, step.kernel, step.shape}, kinds.size());
    if (added) kinds.push_back({.step = step});
    StepKind& kind = kinds[at->second];
    ++kind.count;
    kind.ms += step_ms[i];
    kind.flops += step.flops;
    kind.weight_bytes += step.weight_bytes;
  }
  std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.ms > b.ms; });
  return kinds;
}

Profile profile(const Model& model, std::span<const Tensor> inputs, const Extent& extent,
                const std::function<void(const Tick&)>& on_tick) {
  Profile profile;
  profile.steps = model.inspect(inputs).steps;
  std::vector<std::vector<double>> samples(profile.steps.size());
  std::vector<double> inferences;
  model.run(inputs);
  model.time_steps(inputs);
  const auto begin = Clock::now();
  Tick tick;
  do {
    const auto before = Clock::now();
    model.run(inputs);
    inferences.push_back(ms_since(before));
    const std::vector<double> times = model.time_steps(inputs);
    WHERRY_CHECK_EQ(times.size(), samples.size());
    for (std::size_t i = 0; i < times.size(); ++i) samples[i].push_back(times[i]);
    tick = {inferences.size(), ms_since(begin) / 1e3};
    if (on_tick) on_tick(tick);
  } while (done(tick, extent) < 1);
  profile.rounds = inferences.size();
  profile.inference_ms = median(std::move(inferences));
  for (auto& each : samples) profile.step_ms.push_back(median(std::move(each)));
  return profile;
}

}  // namespace wherry::bench
