// The table has what costs most; JSON has all.

#include "cli/profile_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/step_shape.h"
#include "cli/table.h"
#include "cli/terminal.h"

namespace wherry::cli {
namespace {

constexpr std::size_t kRows = 24;
constexpr std::size_t kBarColumns = 6;

/// Milliseconds, to the nanosecond where an inference is all over in a tenth of one.
std::string ms_text(double ms, const bench::Profile& profile) {
  return fmt::format("{:.{}f}", ms, profile.inference_ms < 0.1 ? 6 : 3);
}

/// "4.2", "120"; "-" for none.
std::string rate(double value) { return value > 0 ? fmt::format("{:.{}f}", value, value < 9.95 ? 1 : 0) : "-"; }

/// What the steps' sum has that an inference has not, or the other way about.
std::string difference(const bench::Profile& profile, int threads) {
  const double more = profile.steps_ms() - profile.inference_ms;
  const std::string amount = fmt::format("{} ms ({:.1f} %)", ms_text(std::abs(more), profile),
                                         profile.inference_ms > 0 ? 100 * std::abs(more) / profile.inference_ms : 0.0);
  if (more > 0 && threads > 1) return amount + " less than the sum: threads do not wait after every step";
  if (more > 0) return amount + " less than the sum: reading the clock, and noise";
  return amount + " more than the sum: before the first step and after the last, and noise";
}

}  // namespace

std::string profile_text(const bench::Profile& profile, int threads) {
  const double sum = profile.steps_ms();
  const auto share_of = [&](double ms) { return sum > 0 ? ms / sum : 0.0; };
  Table table({{"ms", true},
               {"share"},
               {"steps", true},
               {"op", false, 11},
               {"kernel", false, 25},
               {"GFLOP/s", true},
               {"weights GB/s", true},
               {"shape"}});
  const std::vector<bench::StepKind> kinds = profile.kinds();
  const std::size_t rows = std::min(kinds.size(), kRows);
  const double slowest = kinds.empty() || kinds[0].ms <= 0 ? 1 : kinds[0].ms;  // has the longest bar
  double rest = 0;
  std::size_t rest_steps = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const bench::StepKind& kind = kinds[i];
    if (i >= rows) {
      rest += kind.ms;
      rest_steps += kind.count;
      continue;
    }
    table.add({ms_text(kind.ms, profile),
               fmt::format("{:5.1f} % {}", 100 * share_of(kind.ms), bar(kind.ms / slowest, kBarColumns)),
               std::to_string(kind.count), kind.step.op, kind.step.kernel, rate(kind.gflops_per_second()),
               rate(kind.weight_gb_per_second()), compact_shape(kind.step.shape)});
  }
  std::string out = table.print(output_width());
  if (rest_steps > 0)
    out += dim(fmt::format("and {} more steps of {} kinds: {} ms ({:.1f} %)", rest_steps, kinds.size() - rows,
                           ms_text(rest, profile), 100 * share_of(rest))) +
           "\n";
  out += fmt::format("\n  {:<12}{} ms is the sum of {} steps{}\n", "steps", ms_text(sum, profile), profile.steps.size(),
                     threads > 1 ? fmt::format(", {} threads waiting for each other after each", threads) : "");
  out += fmt::format("  {:<12}{} ms, measured in turns with it (medians of {})\n", "inference",
                     ms_text(profile.inference_ms, profile), profile.rounds);
  out += fmt::format("  {:<12}{}\n", "", difference(profile, threads));
  return out;
}

Json profile_json(const bench::Profile& profile) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < profile.steps.size(); ++i) {
    const StepInfo& step = profile.steps[i];
    steps.push_back({{"op", step.op},
                     {"kernel", step.kernel},
                     {"precision", step.precision},
                     {"shape", step.shape},
                     {"source", step.source},
                     {"ms", profile.step_ms[i]},
                     {"flops", step.flops},
                     {"weight_bytes", step.weight_bytes}});
  }
  return steps;
}

}  // namespace wherry::cli
