#pragma once
// What an hour of a machine costs: the table that is built in, or the user's own.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::cost {

/// Of one instance.
struct Price {
  std::string instance;
  double per_hour = 0;
  std::string currency = "USD";
  std::string region;
  std::string basis;         ///< "on demand", "derived"; whatever a user's table says
  std::string derived_from;  ///< the instance whose price it was made from; empty where it is listed

  /// "on demand", "derived from c7g.4xlarge"
  std::string full_basis() const { return derived_from.empty() ? basis : basis + " from " + derived_from; }
};

class PriceTable {
 public:
  /// EC2 on demand in us-east-1, Linux: see ec2_prices.inc. Knows the sizes large to 4xlarge; all but 4xlarge are
  /// derived, since EC2 prices are proportional to size.
  static PriceTable built_in();

  /// The user's, from JSON: a list of objects with "instance" and "price_per_hour", and "currency", "region" and
  /// "basis" if they like, or an object with that list as "prices" and what holds for all beside it. `name` begins
  /// messages. Throws InvalidInput.
  static PriceTable parse_json(std::string_view text, const std::string& name);

  /// The user's, from rows of text in columns of these names. `lines` has each row's line, for messages. Throws
  /// InvalidInput.
  static PriceTable from_rows(const std::vector<std::string>& columns,
                              const std::vector<std::vector<std::string>>& rows, const std::vector<std::int64_t>& lines,
                              const std::string& name);

  std::optional<Price> find(std::string_view instance) const;

  /// "EC2 on demand, us-east-1, 2026-07-20", or the file's name.
  const std::string& origin() const { return origin_; }
  /// Those it lists, in its order.
  std::vector<std::string> instances() const;

 private:
  void add(Price price, const std::string& where);

  std::string origin_;
  std::vector<Price> prices_;
  bool derive_ = false;
};

/// Virtual CPUs of an EC2 instance's size: 2 of "c7g.large", 16 of "c7g.4xlarge"; empty for other names.
std::optional<std::int64_t> virtual_cpus(std::string_view instance);

}  // namespace wherry::cost
