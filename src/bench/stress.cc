// The columns are those of torchbench's run.py, so that what reads one table reads the other.

#include "bench/stress.h"

#include <fmt/format.h>

#include <algorithm>

namespace wherry::bench {

std::optional<std::string> StressTable::line(const Tick& tick) {
  constexpr double kEvery = 10;
  const bool over = tick.seconds >= seconds_ && !headed_;
  if (tick.seconds - last_.seconds < kEvery && !over) return std::nullopt;
  std::string text;
  if (!headed_) text = fmt::format("|{:^20}|{:^20}|{:^20}|\n", "Iterations", "Time/Iteration(ms)", "Rest Time(s)");
  headed_ = true;
  const double each = 1e3 * (tick.seconds - last_.seconds) / static_cast<double>(tick.iterations - last_.iterations);
  const int rest = static_cast<int>(std::max(0.0, seconds_ - tick.seconds));
  text += fmt::format("|{:^20}|{:^20}|{:^20}|\n", tick.iterations, fmt::format("{:.2f}", each), rest);
  last_ = tick;
  return text;
}

}  // namespace wherry::bench
