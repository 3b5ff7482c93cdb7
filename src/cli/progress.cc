// A thread that sleeps most of the time: the work itself is never interrupted to report.

#include "cli/progress.h"

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
      std::fprintf(stderr, "\r\x1b[K%s … %.0f s", cut_end(text_, 64).c_str(), seconds);
      std::fflush(stderr);
      shown_ = true;
    } else if (text_ != said_ || now - said_at_ >= 10s) {
      std::fprintf(stderr, "wherry: %s … %.0f s\n", text_.c_str(), seconds);
      said_ = text_;
      said_at_ = now;
    }
  }
}

}  // namespace wherry::cli
