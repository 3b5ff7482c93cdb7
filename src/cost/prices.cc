#include "cost/prices.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/read_json.h"

namespace wherry::cost {
namespace {

using base::fail;
using Json = nlohmann::json;

constexpr std::pair<const char*, double> kEc2[] = {
#include "cost/ec2_prices.inc"
};
constexpr const char* kEc2Origin = "EC2 on demand, us-east-1, Linux, 2026-07-20";

/// Sizes that every family of the table has, in units of the smallest.
constexpr std::array<std::pair<std::string_view, int>, 4> kSizes = {
    {{"large", 1}, {"xlarge", 2}, {"2xlarge", 4}, {"4xlarge", 8}}};
constexpr std::string_view kListedSize = "4xlarge";
constexpr int kVirtualCpusOfUnit = 2;

/// "c7g" and "4xlarge"
std::pair<std::string_view, std::string_view> family_and_size(std::string_view instance) {
  const auto dot = instance.rfind('.');
  if (dot == instance.npos) return {instance, {}};
  return {instance.substr(0, dot), instance.substr(dot + 1)};
}

std::optional<int> units_of(std::string_view size) {
  for (const auto& [name, units] : kSizes)
    if (name == size) return units;
  return std::nullopt;
}

std::optional<double> number_in(std::string_view text) {
  const auto begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  if (begin == text.npos) return std::nullopt;
  text = text.substr(begin, end - begin + 1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string text_in(const Json& object, const char* key, const std::string& otherwise, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return otherwise;
  if (!found->is_string())
    fail<InvalidInput>("{}: \"{}\" is a JSON {}; a string is expected", where, key, found->type_name());
  return found->get<std::string>();
}

}  // namespace

PriceTable PriceTable::built_in() {
  PriceTable table;
  table.origin_ = kEc2Origin;
  table.derive_ = true;
  for (const auto& [instance, price] : kEc2)
    table.add({instance, price, "USD", "us-east-1", "on demand", ""}, kEc2Origin);
  return table;
}

PriceTable PriceTable::parse_json(std::string_view text, const std::string& name) {
  constexpr std::string_view kAccepted = "a list of {\"instance\": …, \"price_per_hour\": …} is expected";
  const Json parsed = base::read_json<InvalidInput>(text, name, kAccepted);
  Price common;
  if (parsed.is_object()) {
    common.currency = text_in(parsed, "currency", common.currency, name);
    common.region = text_in(parsed, "region", "", name);
    common.basis = text_in(parsed, "basis", "", name);
  }
  const Json list = parsed.is_object() ? parsed.value("prices", Json()) : parsed;
  if (!list.is_array()) fail<InvalidInput>("{}: holds no list of prices; {}", name, kAccepted);
  PriceTable table;
  table.origin_ = name;
  for (const Json& row : list) {
    const std::string where = fmt::format("{}[{}]", name, table.prices_.size());
    if (!row.is_object()) fail<InvalidInput>("{}: is a JSON {}; {}", where, row.type_name(), kAccepted);
    const auto amount = row.find("price_per_hour");
    if (amount == row.end() || !amount->is_number())
      fail<InvalidInput>("{}: has no number \"price_per_hour\"; {}", where, kAccepted);
    table.add(
        {text_in(row, "instance", "", where), amount->get<double>(), text_in(row, "currency", common.currency, where),
         text_in(row, "region", common.region, where), text_in(row, "basis", common.basis, where), ""},
        where);
  }
  if (table.prices_.empty()) fail<InvalidInput>("{}: holds no prices; {}", name, kAccepted);
  return table;
}

PriceTable PriceTable::from_rows(const std::vector<std::string>& columns,
                                 const std::vector<std::vector<std::string>>& rows,
                                 const std::vector<std::int64_t>& lines, const std::string& name) {
  constexpr std::string_view kAccepted =
      "instance and price_per_hour are expected, and currency, region and basis accepted";
  const auto column = [&](std::string_view wanted) -> std::optional<std::size_t> {
    const auto found = std::find(columns.begin(), columns.end(), wanted);
    if (found == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(found - columns.begin());
  };
  const auto instance = column("instance"), amount = column("price_per_hour");
  if (!instance || !amount) fail<InvalidInput>("{}: has the columns {}; {}", name, fmt::join(columns, ", "), kAccepted);
  PriceTable table;
  table.origin_ = name;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string where = fmt::format("{}:{}", name, lines.at(i));
    if (rows[i].size() != columns.size())
      fail<InvalidInput>("{}: has {} fields; {} are expected, one for each column", where, rows[i].size(),
                         columns.size());
    const auto cell = [&](std::string_view wanted) {
      const auto at = column(wanted);
      return at ? rows[i][*at] : std::string();
    };
    const auto price = number_in(rows[i][*amount]);
    if (!price) fail<InvalidInput>("{}: price_per_hour is '{}'; a number above 0 is expected", where, rows[i][*amount]);
    Price row{rows[i][*instance], *price, "USD", cell("region"), cell("basis"), ""};
    if (const std::string currency = cell("currency"); !currency.empty()) row.currency = currency;
    table.add(std::move(row), where);
  }
  if (table.prices_.empty()) fail<InvalidInput>("{}: has no rows; at least one price is expected", name);
  return table;
}

void PriceTable::add(Price price, const std::string& where) {
  if (price.instance.empty()) fail<InvalidInput>("{}: has no instance; its name is expected", where);
  if (!std::isfinite(price.per_hour) || price.per_hour <= 0)
    fail<InvalidInput>("{}: the price of {} is {}; a number above 0 is expected", where, price.instance,
                       price.per_hour);
  for (const Price& other : prices_)
    if (other.instance == price.instance)
      fail<InvalidInput>("{}: is a second price of {}; one is expected", where, price.instance);
  prices_.push_back(std::move(price));
}

std::optional<Price> PriceTable::find(std::string_view instance) const {
  const auto listed = [&](std::string_view name) -> const Price* {
    const auto found =
        std::find_if(prices_.begin(), prices_.end(), [&](const Price& one) { return one.instance == name; });
    return found == prices_.end() ? nullptr : &*found;
  };
  if (const Price* price = listed(instance)) return *price;
  const auto [family, size] = family_and_size(instance);
  const auto units = units_of(size);
  if (!derive_ || !units) return std::nullopt;
  const Price* larger = listed(fmt::format("{}.{}", family, kListedSize));
  if (larger == nullptr) return std::nullopt;
  Price price = *larger;
  price.instance = instance;
  price.per_hour *= static_cast<double>(*units) / *units_of(kListedSize);
  price.basis = "derived";
  price.derived_from = larger->instance;
  return price;
}

std::vector<std::string> PriceTable::instances() const {
  std::vector<std::string> names;
  for (const Price& price : prices_) names.push_back(price.instance);
  return names;
}

std::optional<std::int64_t> virtual_cpus(std::string_view instance) {
  const auto units = units_of(family_and_size(instance).second);
  if (!units) return std::nullopt;
  return *units * kVirtualCpusOfUnit;
}

}  // namespace wherry::cost
