#pragma once
// What results cost, and how they compare with a baseline among them.

#include <string>
#include <string_view>
#include <vector>

#include "cost/prices.h"
#include "cost/result.h"

namespace wherry::cost {

/// price ÷ 3600 ÷ throughput · 10⁶: of one machine that is always busy.
double cost_per_million(double price_per_hour, double throughput_per_s);

/// What others are compared with. Each is words that a comma separates, all of which the baseline must match: an
/// instance ("c5.4xlarge"), an engine with or without its version ("PyTorch 1.13" is 1.13.1 too), a precision ("fp32"),
/// "2 threads", an instruction set. So what a table calls a line is a name for it.
struct Baselines {
  std::string cost;   ///< of relative cost and latency; empty for each work's first result
  std::string speed;  ///< of relative speed; empty for the same
};

/// One result, its price and what follows from the two.
struct Line {
  Result result;
  Price price;
  std::string series;  ///< what tells it from others of the same work and instance: "wherry 0.1.0 fp32"
  double per_million = 0;
  std::size_t cost_baseline = 0;   ///< index of the line it is compared with
  std::size_t speed_baseline = 0;  ///< the same, for the speed
  double relative_speed = 1;       ///< its throughput ÷ the baseline's
  double relative_cost = 1;
  double relative_p90 = 1;
};

struct Comparison {
  std::vector<Line> lines;  ///< those of the same work together, otherwise in the order of the results
  std::string currency;
  std::vector<std::string> doubts;  ///< a sentence each: why an instance may not be what was measured

  /// Every baseline that `member` names, once, as people would call it: "PyTorch 1.13.1 fp32 on c5.4xlarge".
  std::string baseline_names(std::size_t Line::* member) const;
};

/// A line's baseline is, of the results of the same work that match the words: on the same instance if there are such,
/// then of the same engine, precision, threads and instruction set. Throws InvalidInput where a work has no baseline or
/// several that are equally near, where a price is missing, and for results that differ in nothing but their figures.
Comparison compare(std::vector<Result> results, const PriceTable& prices, const Baselines& baselines);

}  // namespace wherry::cost
