#pragma once
// torchbench's stress table: how fast iterations have been since the last row, and how long is left.

#include <optional>
#include <string>

#include "bench/latency.h"

namespace wherry::bench {

class StressTable {
 public:
  explicit StressTable(double seconds) : seconds_(seconds) {}

  /// A line (with the heading before the first) every ten seconds, and at the end where there was none.
  std::optional<std::string> line(const Tick& tick);

 private:
  const double seconds_;
  Tick last_;
  bool headed_ = false;
};

}  // namespace wherry::bench
