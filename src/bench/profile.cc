// Medians of inferences whose steps are timed, in turns with inferences that run freely.

#include "bench/profile.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "engine/phase_span.h"
#include "runtime/run_record.h"

namespace wherry::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::int64_t now_ns() { return engine::nanoseconds(Clock::now()); }

double median(std::vector<double> samples) { return Latency{std::move(samples), {}}.percentile(50); }

/// The spans that are no inference's.
std::vector<Phase> phases_of(const std::vector<Span>& spans) {
  std::vector<Phase> phases;
  for (const Span& span : spans) {
    if (span.kind == Span::Kind::run || span.kind == Span::Kind::step) continue;
    phases.push_back({std::string(name_of(span.kind)), span.name, span.begin_ns, span.end_ns});
  }
  return phases;
}

}  // namespace

void SpanLog::take(std::span<const Span> spans) {
  const std::lock_guard lock(mutex_);
  spans_.insert(spans_.end(), spans.begin(), spans.end());
}

std::vector<Span> SpanLog::drain() {
  const std::lock_guard lock(mutex_);
  return std::exchange(spans_, {});
}

std::int64_t moved_bytes(const StepInfo& step) { return step.weight_bytes + step.input_bytes + step.output_bytes; }

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
    const auto in_all = [&](std::int64_t of_a_run) { return std::llround(static_cast<double>(of_a_run) * step.runs); };
    kind.flops += in_all(step.flops);
    kind.weight_bytes += step.weight_bytes;
    kind.moved_bytes += in_all(moved_bytes(step));
  }
  std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.ms > b.ms; });
  return kinds;
}

std::vector<double> step_ms(std::span<const Span> iteration, std::size_t steps) {
  using TimePoint = runtime::RunRecord::Clock::time_point;
  const auto time = [](std::int64_t ns) { return TimePoint(std::chrono::nanoseconds(ns)); };
  int threads = 1;
  for (const Span& span : iteration) threads = std::max(threads, span.thread + 1);
  runtime::RunRecord record;
  record.reset(threads, iteration.size());
  for (const Span& span : iteration) {
    if (span.kind == Span::Kind::run) {
      record.end = time(span.end_ns);
    } else {
      record.of(span.thread).push_back({span.step, span.slice, time(span.begin_ns), time(span.end_ns)});
    }
  }
  return record.step_ms(steps);
}

Profile profile(const Model& model, std::span<const Tensor> inputs, const ProfileOptions& options, SpanLog* log,
                const std::function<void(const Tick&)>& on_tick) {
  Profile profile;
  profile.steps = model.inspect(inputs).steps;
  if (log != nullptr) profile.phases = phases_of(log->drain());
  const std::int64_t warming = now_ns();
  for (int i = 0; i < options.warm_ups; ++i) model.run(inputs);
  if (options.warm_ups > 0) profile.phases.push_back({"warm-up", "", warming, now_ns()});

  SpanLog spans;
  for (int i = 0; i < options.iterations; ++i) {
    model.run(inputs, spans);
    profile.iterations.push_back(spans.drain());
  }

  std::vector<std::vector<double>> samples(profile.steps.size());
  std::vector<double> inferences, profiled, shares;
  const auto begin = Clock::now();
  Tick tick;
  do {
    const auto free = Clock::now();
    model.run(inputs);
    inferences.push_back(ms_since(free));
    const auto watched = Clock::now();
    model.run(inputs, spans);
    profiled.push_back(ms_since(watched));
    const std::vector<double> times = step_ms(spans.drain(), samples.size());
    for (std::size_t i = 0; i < times.size(); ++i) samples[i].push_back(times[i]);
    shares.push_back(std::accumulate(times.begin(), times.end(), 0.0) / profiled.back());
    tick = {inferences.size(), ms_since(begin) / 1e3};
    if (on_tick) on_tick(tick);
  } while (done(tick, options.extent) < 1);
  profile.rounds = inferences.size();
  profile.inference_ms = median(std::move(inferences));
  profile.profiled_ms = median(std::move(profiled));
  profile.steps_of_wall = median(std::move(shares));
  for (auto& each : samples) profile.step_ms.push_back(median(std::move(each)));
  return profile;
}

}  // namespace wherry::bench
