// One list of fields serves JSON and CSV; the table has those that fit on a line.

#include "cli/cost_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/table.h"
#include "cli/terminal.h"

namespace wherry::cli {
namespace {

using cost::Line;

std::string line_name(const Line& line) { return line.series + " on " + line.result.instance; }

template <typename T>
Json optional(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json optional(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// Names are the columns of the CSV.
Json fields_of(const cost::Comparison& comparison, const Line& line, const std::string& price_origin) {
  const cost::Result& result = line.result;
  return {{"model", result.model},
          {"batch", result.batch},
          {"sequence", optional(result.sequence)},
          {"instance", result.instance},
          {"instance_basis", result.instance_basis},
          {"engine", result.engine},
          {"engine_version", optional(result.engine_version)},
          {"engine_mode", optional(result.engine_mode)},
          {"precision", result.precision},
          {"threads", optional(result.threads)},
          {"isa", optional(result.isa)},
          {"basis", name_of(result.basis)},
          {"throughput_per_s", result.throughput_per_s},
          {"p90_ms", result.p90_ms},
          {"price_per_hour", line.price.per_hour},
          {"currency", line.price.currency},
          {"price_basis", optional(line.price.full_basis())},
          {"price_region", optional(line.price.region)},
          {"price_origin", price_origin},
          {"cost_per_million", line.per_million},
          {"relative_speed", line.relative_speed},
          {"relative_cost", line.relative_cost},
          {"relative_p90", line.relative_p90},
          {"speed_baseline", line_name(comparison.lines[line.speed_baseline])},
          {"baseline", line_name(comparison.lines[line.cost_baseline])},
          {"cpu", optional(result.machine.cpu)},
          {"cores", optional(result.machine.cores)},
          {"machine_isa", optional(result.machine.isa)},
          {"memory_bytes", optional(result.machine.memory_bytes)},
          {"clock_mhz", optional(result.machine.clock_mhz)},
          {"date", optional(result.date)},
          {"source", result.source}};
}

std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  const auto text = value.get<std::string>();
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Each text once, with a separator between them.
template <typename Text>
std::string joined_once(const cost::Comparison& comparison, std::string_view separator, const Text& text) {
  std::vector<std::string> found;
  for (const Line& line : comparison.lines) {
    std::string value = text(line);
    if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(std::move(value));
  }
  return fmt::format("{}", fmt::join(found, separator));
}

std::string work_table(const cost::Comparison& comparison, const std::string& work) {
  const std::string currency = printable(comparison.currency);
  Table table({{"instance", false, 14},
               {"engine", false, 34},
               {"per second", true},
               {"p90 ms", true},
               {currency + "/hour", true},
               {currency + "/million", true},
               {"speed", true},
               {"cost", true},
               {"p90", true},
               {"figures"},
               {"price"}});
  for (const Line& line : comparison.lines) {
    if (line.result.work() != work) continue;
    table.add({line.result.instance, line.series, significant(line.result.throughput_per_s),
               significant(line.result.p90_ms), significant(line.price.per_hour), significant(line.per_million),
               fmt::format("{:.2f}", line.relative_speed), fmt::format("{:.2f}", line.relative_cost),
               fmt::format("{:.2f}", line.relative_p90), std::string(name_of(line.result.basis)), line.price.basis});
  }
  return table.print(output_width());
}

}  // namespace

std::string significant(double value) {
  if (value >= 1e15 || value < 1e-6) return fmt::format("{:.3g}", value);
  const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(value))), 0, 8);
  return fmt::format("{:.{}f}", value, decimals);
}

std::string instances_text(const cost::Comparison& comparison) {
  return joined_once(comparison, ", ",
                     [](const Line& line) { return line.result.instance + " " + line.result.instance_basis; });
}

std::string prices_text(const cost::Comparison& comparison) {
  return joined_once(comparison, "; ", [](const Line& line) {
    return fmt::format("{} {} an hour for {}{}", significant(line.price.per_hour), line.price.currency,
                       line.price.instance, line.price.basis.empty() ? "" : " (" + line.price.full_basis() + ")");
  });
}

std::string bases_text(const cost::Comparison& comparison) {
  return joined_once(comparison, ", ", [&](const Line& line) {
    const auto alike = std::count_if(comparison.lines.begin(), comparison.lines.end(),
                                     [&](const Line& other) { return other.result.basis == line.result.basis; });
    return fmt::format("{} {}", alike, name_of(line.result.basis));
  });
}

std::string cost_text(const cost::Comparison& comparison, const std::string& price_origin) {
  std::string out, work;
  for (const Line& line : comparison.lines) {
    if (line.result.work() == work) continue;
    work = line.result.work();
    out += bold(printable(work)) + "\n" + work_table(comparison, work) + "\n";
  }
  const auto add = [&](std::string_view key, const std::string& value) {
    out += fmt::format("  {:<12}{}\n", key, printable(value));
  };
  const std::string speed = comparison.baseline_names(&Line::speed_baseline);
  const std::string cost = comparison.baseline_names(&Line::cost_baseline);
  add("compared", speed == cost ? "with " + cost : fmt::format("speed with {}; cost and p90 with {}", speed, cost));
  add("figures", bases_text(comparison));
  add("instances", instances_text(comparison));
  add("prices", price_origin + ": " + prices_text(comparison));
  add("million", "inferences, each one element of a batch, on a machine that is always busy");
  return out;
}

Json cost_json(const cost::Comparison& comparison, const std::string& price_origin) {
  Json lines = Json::array();
  for (const Line& line : comparison.lines) lines.push_back(fields_of(comparison, line, price_origin));
  return {{"schema", "wherry.cost/1"},
          {"currency", comparison.currency},
          {"prices", price_origin},
          {"baseline", comparison.baseline_names(&Line::cost_baseline)},
          {"speed_baseline", comparison.baseline_names(&Line::speed_baseline)},
          {"doubts", comparison.doubts},
          {"results", std::move(lines)}};
}

std::string cost_csv(const cost::Comparison& comparison, const std::string& price_origin) {
  std::string out;
  for (const Line& line : comparison.lines) {
    const Json fields = fields_of(comparison, line, price_origin);
    std::string heading, row;
    for (const auto& [key, value] : fields.items()) {
      if (!heading.empty()) {
        heading += ',';
        row += ',';
      }
      heading += key;
      row += csv_field(value);
    }
    if (out.empty()) out = heading + "\r\n";
    out += row + "\r\n";
  }
  return out;
}

}  // namespace wherry::cli
