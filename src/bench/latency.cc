// Wall time by the steady clock, one sample an iteration.

#include "bench/latency.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace wherry::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

Started start(const Load& load, const Options& options, const ChooseInputs& choose_inputs) {
  const auto loading = Clock::now();
  Model model = load(options);
  const double load_seconds = seconds_since(loading);
  std::vector<Tensor> inputs = choose_inputs(model);
  const auto running = Clock::now();
  std::vector<Tensor> outputs = model.run(inputs);
  const double run_seconds = seconds_since(running);
  return {std::move(model), std::move(inputs), std::move(outputs), 1e3 * (load_seconds + run_seconds)};
}

double Latency::percentile(double percent) const {
  WHERRY_CHECK(!samples_ms.empty());
  std::vector<double> sorted = samples_ms;
  std::sort(sorted.begin(), sorted.end());
  const double position = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - std::floor(position));
}

double Latency::least() const {
  WHERRY_CHECK(!samples_ms.empty());
  return *std::min_element(samples_ms.begin(), samples_ms.end());
}

double Latency::total_seconds() const { return std::accumulate(samples_ms.begin(), samples_ms.end(), 0.0) / 1e3; }

Latency measure(const Model& model, std::span<const Tensor> inputs, const Extent& extent,
                const std::function<void(const Tick&)>& on_tick) {
  for (int i = 0; i < kWarmUps; ++i) model.run(inputs);
  Latency latency;
  const auto begin = Clock::now();
  Tick tick;
  do {
    const auto before = Clock::now();
    latency.outputs = model.run(inputs);
    latency.samples_ms.push_back(1e3 * seconds_since(before));
    tick = {latency.samples_ms.size(), seconds_since(begin)};
    if (on_tick) on_tick(tick);
  } while (done(tick, extent) < 1);
  return latency;
}

double done(const Tick& tick, const Extent& extent) {
  const double iterations =
      extent.iterations == 0 ? 1 : static_cast<double>(tick.iterations) / static_cast<double>(extent.iterations);
  const double seconds = extent.seconds <= 0 ? 1 : tick.seconds / extent.seconds;
  return std::min({iterations, seconds, 1.0});
}

}  // namespace wherry::bench
