// The table has what costs most; JSON has all.

#include "cli/profile_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/trace_file.h"
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

/// "1.80x": how many times as fast `after` is.
std::string factor(double before, double after) { return after > 0 ? fmt::format("{:.2f}x", before / after) : "-"; }

/// "12 %"; "-" for none.
std::string share_text(double share) { return share > 0 ? fmt::format("{:.0f} %", 100 * share) : "-"; }

}  // namespace

std::string profile_text(const bench::Profile& profile, const bench::Peak& peak) {
  const double sum = profile.steps_ms();
  const auto share_of = [&](double ms) { return sum > 0 ? ms / sum : 0.0; };
  Table table({{"ms", true},
               {"share"},
               {"steps", true},
               {"step", false, 26},
               {"kernel", false, 25},
               {"precision"},
               {"GFLOP/s", true},
               {"of peak", true},
               {"GB/s", true},
               {"workspace", true},
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
    const double most = peak.gflops(kind.step.precision);
    table.add({ms_text(kind.ms, profile),
               fmt::format("{:5.1f} % {}", 100 * share_of(kind.ms), bar(kind.ms / slowest, kBarColumns)),
               std::to_string(kind.count), bench::step_name(kind.step), kind.step.kernel, kind.step.precision,
               rate(kind.gflops_per_second()), share_text(most > 0 ? kind.gflops_per_second() / most : 0),
               rate(kind.gb_per_second()), kind.step.workspace_bytes > 0 ? human_bytes(kind.step.workspace_bytes) : "-",
               compact_shape(kind.step.shape)});
  }
  std::string out = table.print(output_width());
  if (rest_steps > 0)
    out += dim(fmt::format("and {} more steps of {} kinds: {} ms ({:.1f} %)", rest_steps, kinds.size() - rows,
                           ms_text(rest, profile), 100 * share_of(rest))) +
           "\n";
  out += fmt::format("\n  {:<12}{} ms is the sum of {} steps\n", "steps", ms_text(sum, profile), profile.steps.size());
  out += fmt::format("  {:<12}{} ms, measured in turns with it (medians of {}); {:+.2f} % while looked into\n",
                     "inference", ms_text(profile.inference_ms, profile), profile.rounds, 100 * profile.overhead());
  return out;
}

std::string diff_text(const bench::ReadProfile& before, const bench::ReadProfile& after,
                      const std::vector<bench::ProfileChange>& changes) {
  Table table({{"before ms", true},
               {"after ms", true},
               {"change ms", true},
               {"", true},
               {"step", false, 26},
               {"module", false, 30},
               {"kernel before", false, 25},
               {"kernel after", false, 25}});
  const std::size_t rows = std::min(changes.size(), kRows);
  double rest = 0, sum_before = 0, sum_after = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const bench::ProfileChange& each = changes[i];
    sum_before += each.before_ms;
    sum_after += each.after_ms;
    if (i >= rows) {
      rest += each.after_ms - each.before_ms;
      continue;
    }
    const bool both = each.count_before > 0 && each.count_after > 0;
    table.add({each.count_before > 0 ? fmt::format("{:.3f}", each.before_ms) : "-",
               each.count_after > 0 ? fmt::format("{:.3f}", each.after_ms) : "-",
               fmt::format("{:+.3f}", each.after_ms - each.before_ms),
               both ? factor(each.before_ms, each.after_ms) : "", each.name, printable(each.module),
               each.kernel_before.empty() ? "-" : each.kernel_before,
               each.kernel_after == each.kernel_before ? "the same"
               : each.kernel_after.empty()             ? "-"
                                                       : each.kernel_after});
  }
  std::string out = table.print(output_width());
  if (changes.size() > rows) out += dim(fmt::format("and {} more: {:+.3f} ms", changes.size() - rows, rest)) + "\n";
  const auto line = [](const bench::ReadProfile& profile, std::string_view key, double sum) {
    return fmt::format("  {:<12}{:.3f} ms, its {} steps {:.3f} ms: {} in {} on {} thread{}, {} ({})\n", key,
                       profile.inference_ms, profile.steps.size(), sum, printable(profile.model),
                       printable(profile.precision), profile.threads, profile.threads == 1 ? "" : "s",
                       printable(profile.isa), printable(profile.path));
  };
  out += "\n" + line(before, "before", sum_before) + line(after, "after", sum_after);
  out += fmt::format("  {:<12}{} as fast\n", "", factor(before.inference_ms, after.inference_ms));
  return out;
}

Json diff_json(const bench::ReadProfile& before, const bench::ReadProfile& after,
               const std::vector<bench::ProfileChange>& changes) {
  const auto side = [](const bench::ReadProfile& profile) {
    return Json{{"file", profile.path}, {"model", profile.model},     {"precision", profile.precision},
                {"isa", profile.isa},   {"threads", profile.threads}, {"inference_ms", profile.inference_ms}};
  };
  Json rows = Json::array();
  for (const bench::ProfileChange& each : changes)
    rows.push_back({{"module", each.module},
                    {"name", each.name},
                    {"before_ms", each.count_before > 0 ? Json(each.before_ms) : Json()},
                    {"after_ms", each.count_after > 0 ? Json(each.after_ms) : Json()},
                    {"kernel_before", each.kernel_before},
                    {"kernel_after", each.kernel_after}});
  return {{"before", side(before)}, {"after", side(after)}, {"changes", std::move(rows)}};
}

}  // namespace wherry::cli
