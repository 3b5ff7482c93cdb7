#include "cost/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <tuple>

#include "base/check.h"

namespace wherry::cost {
namespace {

using base::fail;
using Indices = std::vector<std::size_t>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == text.npos ? "" : std::string(text.substr(begin, end - begin + 1));
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// Whether `name` begins with `part` and goes on with another word or another number of its version.
bool begins_with_words(const std::string& name, const std::string& part) {
  return name.starts_with(part) && (name.size() == part.size() || name[part.size()] == ' ' || name[part.size()] == '.');
}

bool matches_part(const Result& result, const std::string& part) {
  if (part == lower(result.instance) || part == lower(result.precision) || part == lower(result.isa)) return true;
  if (result.threads && part == counted(*result.threads, "thread")) return true;
  return begins_with_words(lower(result.engine_name() + " " + result.precision), part) ||
         part == lower(result.engine + " " + result.precision);
}

std::vector<std::string> parts_of(std::string_view words) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= words.size();) {
    const auto end = std::min(words.find(',', begin), words.size());
    if (std::string part = trimmed(words.substr(begin, end - begin)); !part.empty()) parts.push_back(lower(part));
    begin = end + 1;
  }
  return parts;
}

/// Each text once, in the order of first appearance.
template <typename Range, typename Text>
std::vector<std::string> distinct(const Range& range, const Text& text) {
  std::vector<std::string> found;
  for (const auto& one : range) {
    std::string value = text(one);
    if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(std::move(value));
  }
  return found;
}

std::string full_name(const Line& line) { return line.series + " on " + line.result.instance; }

/// Results of the same work, instance, engine and precision are told apart by what they differ in.
void name_series(std::vector<Line>& lines) {
  const auto key = [](const Result& result) {
    return std::tuple(result.work(), result.instance, result.engine_name(), result.precision);
  };
  for (Line& line : lines) {
    bool threads_differ = false, isa_differs = false;
    for (const Line& other : lines) {
      if (&other == &line || key(other.result) != key(line.result)) continue;
      if (other.result.threads == line.result.threads && other.result.isa == line.result.isa)
        fail<InvalidInput>("{}: is a second result of {} with {} {} on {}, after {}; one is expected",
                           std::max(line.result.source, other.result.source), line.result.work(),
                           line.result.engine_name(), line.result.precision, line.result.instance,
                           std::min(line.result.source, other.result.source));
      threads_differ |= other.result.threads != line.result.threads;
      isa_differs |= other.result.isa != line.result.isa;
    }
    line.series = line.result.engine_name() + " " + line.result.precision;
    if (threads_differ && line.result.threads) line.series += ", " + counted(*line.result.threads, "thread");
    if (isa_differs && !line.result.isa.empty()) line.series += ", " + line.result.isa;
  }
}

Price price_of(const Result& result, const PriceTable& prices) {
  if (result.instance.empty())
    fail<InvalidInput>("{}: does not say on which instance it was measured ({}); --instance NAME does", result.source,
                       result.machine.cpu.empty() ? "an unnamed CPU" : result.machine.cpu);
  auto price = prices.find(result.instance);
  if (!price)
    fail<InvalidInput>("{}: {} has no price for {}; it has {}; --prices FILE names another table", result.source,
                       prices.origin(), result.instance, fmt::join(prices.instances(), ", "));
  return *price;
}

/// Leaves those that `keep`s, unless that leaves none.
void prefer(Indices& candidates, const std::function<bool(std::size_t)>& keep) {
  Indices kept;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(kept), keep);
  if (!kept.empty()) candidates = std::move(kept);
}

std::size_t baseline_of(const std::vector<Line>& lines, std::size_t index, const std::string& words) {
  const Result& mine = lines[index].result;
  Indices same_work, candidates;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].result.work() == mine.work()) same_work.push_back(i);
  const std::vector<std::string> parts = parts_of(words);
  if (parts.empty()) return same_work.front();
  for (const std::size_t i : same_work)
    if (std::all_of(parts.begin(), parts.end(),
                    [&](const std::string& part) { return matches_part(lines[i].result, part); }))
      candidates.push_back(i);
  if (candidates.empty())
    fail<InvalidInput>("{}: has no result of the baseline '{}'; it has {}", mine.work(), words,
                       fmt::join(distinct(same_work, [&](std::size_t i) { return full_name(lines[i]); }), "; "));
  const auto result = [&](std::size_t i) -> const Result& { return lines[i].result; };
  prefer(candidates, [&](std::size_t i) { return result(i).instance == mine.instance; });
  prefer(candidates, [&](std::size_t i) { return result(i).engine_name() == mine.engine_name(); });
  prefer(candidates, [&](std::size_t i) { return result(i).precision == mine.precision; });
  prefer(candidates, [&](std::size_t i) { return result(i).threads == mine.threads; });
  prefer(candidates, [&](std::size_t i) { return result(i).isa == mine.isa; });
  if (candidates.size() > 1)
    fail<InvalidInput>(
        "{}: the baseline '{}' of {} may be {}; words with commas between them name one: INSTANCE, ENGINE, PRECISION",
        mine.work(), words, full_name(lines[index]),
        fmt::join(distinct(candidates, [&](std::size_t i) { return full_name(lines[i]); }), " or "));
  return candidates.front();
}

std::vector<std::string> doubts_about(const std::vector<Line>& lines) {
  std::vector<std::string> doubts;
  for (const Line& line : lines) {
    const Result& result = line.result;
    const auto has = virtual_cpus(result.instance);
    if (!has || !result.machine.cores || *has == *result.machine.cores) continue;
    doubts.push_back(fmt::format("{} has {}; what stands for it ran on {}{}", result.instance,
                                 counted(*has, "virtual CPU"), counted(*result.machine.cores, "core"),
                                 result.machine.cpu.empty() ? "" : " of " + result.machine.cpu));
  }
  return distinct(doubts, [](const std::string& doubt) { return doubt; });
}

}  // namespace

double cost_per_million(double price_per_hour, double throughput_per_s) {
  return price_per_hour / 3600 / throughput_per_s * 1e6;
}

std::string Comparison::baseline_names(std::size_t Line::* member) const {
  return fmt::format(
      "{}", fmt::join(distinct(lines, [&](const Line& line) { return full_name(lines[line.*member]); }), "; "));
}

Comparison compare(std::vector<Result> results, const PriceTable& prices, const Baselines& baselines) {
  Comparison comparison;
  std::vector<Line>& lines = comparison.lines;
  for (Result& result : results) {
    Line line;
    line.price = price_of(result, prices);
    line.per_million = cost_per_million(line.price.per_hour, result.throughput_per_s);
    line.result = std::move(result);
    lines.push_back(std::move(line));
  }
  const auto works = distinct(lines, [](const Line& line) { return line.result.work(); });
  const auto place = [&](const Line& line) { return std::find(works.begin(), works.end(), line.result.work()); };
  std::stable_sort(lines.begin(), lines.end(), [&](const Line& a, const Line& b) { return place(a) < place(b); });
  name_series(lines);
  const auto currencies = distinct(lines, [](const Line& line) { return line.price.currency; });
  if (currencies.size() > 1)
    fail<InvalidInput>("{}: prices are in {}; one currency is expected", prices.origin(),
                       fmt::join(currencies, " and "));
  if (!currencies.empty()) comparison.currency = currencies.front();
  const std::string& speed = baselines.speed.empty() ? baselines.cost : baselines.speed;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Line& line = lines[i];
    line.cost_baseline = baseline_of(lines, i, baselines.cost);
    line.speed_baseline = baseline_of(lines, i, speed);
    line.relative_speed = line.result.throughput_per_s / lines[line.speed_baseline].result.throughput_per_s;
    line.relative_cost = line.per_million / lines[line.cost_baseline].per_million;
    line.relative_p90 = line.result.p90_ms / lines[line.cost_baseline].result.p90_ms;
  }
  comparison.doubts = doubts_about(lines);
  return comparison;
}

}  // namespace wherry::cost
