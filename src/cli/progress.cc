// A thread that sleeps most of the time: the work itself is never interrupted to report.

#include "cli/progress.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/terminal.h"

namespace wherry::cli {

Progress::Progress(bool always) : terminal_(error_is_terminal()) {
  if (terminal_ || always) thread_ = std::thread([this] { watch(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  wipe();
}

void Progress::stage(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = printable(text);
  fraction_.reset();
}

void Progress::fraction(double done) {
  const std::lock_guard lock(mutex_);
  fraction_ = done;
}

void Progress::hide() {
  const std::lock_guard lock(mutex_);
  wipe();
}

void Progress::wipe() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

void Progress::watch() {
  using namespace std::chrono_literals;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, 200ms, [this] { return stop_; })) {
    const auto now = Clock::now();
    if (now - start_ < 1s || text_.empty()) continue;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    if (terminal_) {
      const std::string drawn = fraction_ ? fmt::format(" {} {:3.0f} %", bar(*fraction_, 20), 100 * *fraction_) : "";
      std::fprintf(stderr, "\r\x1b[K%s%s … %.0f s", cut_end(text_, 64 - columns_of(drawn)).c_str(), drawn.c_str(),
                   seconds);
      std::fflush(stderr);
      shown_ = true;
    } else if (text_ != said_ || now - said_at_ >= 10s) {
      const std::string share = fraction_ ? fmt::format(" ({:.0f} %)", 100 * *fraction_) : "";
      std::fprintf(stderr, "wherry: %s%s … %.0f s\n", text_.c_str(), share.c_str(), seconds);
      said_ = text_;
      said_at_ = now;
    }
  }
}

}  // namespace wherry::cli
