// read(2) and poll(2): C++ streams cannot say whether a line is there without waiting for it.

#include "cli/line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace wherry::cli {
namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr std::size_t kBlock = std::size_t{64} << 10;

}  // namespace

LineReader::LineReader(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  descriptor_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) base::fail<InvalidInput>("{}: cannot open: {}", name_, std::strerror(errno));
  struct stat status{};
  if (::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) size_ = status.st_size;
}

LineReader::~LineReader() {
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
}

bool LineReader::read_more() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t filled = buffer_.size();
  buffer_.resize(filled + kBlock);
  ssize_t count = -1;
  do count = ::read(descriptor_, buffer_.data() + filled, kBlock);
  while (count < 0 && errno == EINTR);
  buffer_.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0) base::fail<InvalidInput>("{}: cannot read: {}", name_, std::strerror(errno));
  ended_ = count == 0;
  return !ended_;
}

std::optional<std::string> LineReader::next() {
  std::size_t searched = begin_;
  std::size_t end = buffer_.find('\n', searched);
  while (end == buffer_.npos && !ended_) {
    searched = buffer_.size() - begin_;
    if (searched > kLongestLine)
      base::fail<InvalidInput>("{}: line {} has more than {} bytes; lines of text are expected", name_, number_ + 1,
                               kLongestLine);
    read_more();
    end = buffer_.find('\n', searched);
  }
  if (end == buffer_.npos && begin_ == buffer_.size()) return std::nullopt;
  ++number_;
  const std::size_t past = end == buffer_.npos ? buffer_.size() : end + 1;
  std::string line = buffer_.substr(begin_, std::min(end, buffer_.size()) - begin_);
  given_ += static_cast<std::int64_t>(past - begin_);
  begin_ = past;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

bool LineReader::waits() {
  if (ended_ || buffer_.find('\n', begin_) != buffer_.npos) return false;
  pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, 0) > 0) {
    if (!read_more() || buffer_.find('\n', begin_) != buffer_.npos) return false;
  }
  return true;
}

std::optional<double> LineReader::fraction() const {
  if (size_ == 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(given_) / static_cast<double>(size_));
}

}  // namespace wherry::cli
