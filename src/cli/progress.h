#pragma once
// A line on standard error for whatever takes longer than a second, and silence for everything else.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace wherry::cli {

/// Says what is going on from the first second on: on a terminal one line that is rewritten and finally wiped, else
/// (with `always`) a line per stage and every ten seconds. Never touches standard output.
class Progress {
 public:
  /// `always`: speak even where standard error is no terminal (--progress).
  explicit Progress(bool always);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// What is being done from now on: "loading resnet50.pt".
  void stage(std::string text);

  /// How much of the stage is done, 0 to 1: a bar stands beside its name. A new stage has none.
  void fraction(double done);

  /// Wipes the line, before something else is printed; the next tick brings it back.
  void hide();

 private:
  using Clock = std::chrono::steady_clock;
  void watch();
  void wipe();

  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string text_;
  std::optional<double> fraction_;
  std::string said_;
  Clock::time_point said_at_;
  bool shown_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace wherry::cli
