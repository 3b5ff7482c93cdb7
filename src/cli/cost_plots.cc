// From lines of a comparison to bars.

#include "cli/cost_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/new_file.h"
#include "cli/cost_report.h"
#include "report/bar_chart.h"
#include "report/canvas.h"

namespace wherry::cli {
namespace {

using cost::Line;

/// Which figure of a line is drawn, and what it is relative to.
struct Plot {
  const char* file;
  const char* title;
  const char* quantity;
  const char* better;
  double Line::* value;
  std::size_t Line::* baseline;
  std::string (*absolute)(const Line& line);
  bool of_prices;
};

const Plot kPlots[] = {
    {"speed", "Relative speed", "Inferences per second", "higher", &Line::relative_speed, &Line::speed_baseline,
     [](const Line& line) { return significant(line.result.throughput_per_s) + "/s"; }, false},
    {"cost", "Relative cost", "Cost of a million inferences", "lower", &Line::relative_cost, &Line::cost_baseline,
     [](const Line& line) { return significant(line.per_million) + " " + line.price.currency; }, true},
    {"p90_latency", "Relative p90 latency", "Time that nine of ten inferences stay below", "lower", &Line::relative_p90,
     &Line::cost_baseline, [](const Line& line) { return significant(line.result.p90_ms) + " ms"; }, false},
};

std::vector<std::string> series_of(const cost::Comparison& comparison) {
  std::vector<std::string> series;
  for (const Line& line : comparison.lines)
    if (std::find(series.begin(), series.end(), line.series) == series.end()) series.push_back(line.series);
  return series;
}

/// Which colour a line has, the same in every plot: one a series, without those that are nothing but baselines; or one
/// an engine, where series are more than there are colours.
class Colours {
 public:
  explicit Colours(const cost::Comparison& comparison) {
    collect(comparison);
    if (keys_.size() <= report::kFills) return;
    by_engine_ = true;
    keys_.clear();
    collect(comparison);
  }

  std::size_t of(const Line& line) const {
    return static_cast<std::size_t>(std::find(keys_.begin(), keys_.end(), key(line)) - keys_.begin());
  }

 private:
  const std::string& key(const Line& line) const { return by_engine_ ? line.result.engine : line.series; }

  void collect(const cost::Comparison& comparison) {
    for (const Line& line : comparison.lines) {
      const bool baseline =
          &comparison.lines[line.cost_baseline] == &line && &comparison.lines[line.speed_baseline] == &line;
      if (!baseline && std::find(keys_.begin(), keys_.end(), key(line)) == keys_.end()) keys_.push_back(key(line));
    }
  }

  bool by_engine_ = false;
  std::vector<std::string> keys_;
};

report::Bar bar_of(const cost::Comparison& comparison, const Line& line, const Plot& plot) {
  report::Bar bar;
  bar.label = line.series;
  bar.value = line.*plot.value;
  bar.reference = &comparison.lines[line.*plot.baseline] == &line;
  bar.hatched = line.result.basis != cost::Basis::measured;
  bar.value_text = fmt::format("{:.2f}", bar.value);
  if (bar.reference) bar.value_text += " baseline";
  if (bar.hatched) bar.value_text += fmt::format(" {}", name_of(line.result.basis));
  bar.value_text += " (" + plot.absolute(line) + ")";
  return bar;
}

report::BarChart chart_of(const cost::Comparison& comparison, const Plot& plot, const std::string& words,
                          const std::string& price_origin) {
  const std::vector<std::string> series = series_of(comparison);
  const Colours colours(comparison);
  report::BarChart chart;
  chart.title = plot.title;
  chart.subtitle = fmt::format("{} ÷ that of {}; {} is better", plot.quantity,
                               words.empty() ? comparison.baseline_names(plot.baseline) : words, plot.better);
  if (series.size() == 1) chart.subtitle = series.front() + ". " + chart.subtitle;
  for (const Line& line : comparison.lines) {
    const std::string work = line.result.work();
    if (chart.sections.empty() || chart.sections.back().title != work) chart.sections.push_back({work, {}});
    auto& groups = chart.sections.back().groups;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const report::BarGroup& one) { return one.label == line.result.instance; });
    if (group == groups.end()) group = groups.insert(groups.end(), {line.result.instance, {}});
    report::Bar bar = bar_of(comparison, line, plot);
    bar.fill = colours.of(line);
    if (series.size() == 1) bar.label.clear();
    group->bars.push_back(std::move(bar));
  }
  const bool hatched = std::any_of(comparison.lines.begin(), comparison.lines.end(),
                                   [](const Line& line) { return line.result.basis != cost::Basis::measured; });
  chart.notes.push_back(fmt::format("Figures: {}{}. Instances: {}.", bases_text(comparison),
                                    hatched ? " (striped where not measured)" : "", instances_text(comparison)));
  if (plot.of_prices) chart.notes.push_back(fmt::format("Prices: {}: {}.", price_origin, prices_text(comparison)));
  for (const std::string& doubt : comparison.doubts) chart.notes.push_back(doubt + ".");
  return chart;
}

}  // namespace

void write_cost_plots(const std::string& folder, const cost::Comparison& comparison, const cost::Baselines& baselines,
                      const std::string& price_origin) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) base::fail<InvalidInput>("{}: cannot make the folder: {}", folder, error.message());
  std::vector<std::pair<std::string, report::BarChart>> charts;
  for (const Plot& plot : kPlots) {
    const bool of_speed = plot.baseline == &Line::speed_baseline && !baselines.speed.empty();
    charts.emplace_back(plot.file,
                        chart_of(comparison, plot, of_speed ? baselines.speed : baselines.cost, price_origin));
  }
  // All SVGs first: they are there even where Cairo is not.
  const auto path = [&](const std::string& name) { return (std::filesystem::path(folder) / name).string(); };
  for (const auto& [name, chart] : charts) base::write_file(path(name + ".svg"), report::svg(chart));
  for (const auto& [name, chart] : charts) base::write_file(path(name + ".png"), report::png(chart));
}

}  // namespace wherry::cli
