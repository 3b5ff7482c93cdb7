#pragma once
// A span that lasts as long as the scope it stands in.

#include <chrono>
#include <string>

#include "wherry/profile.h"

namespace wherry::engine {

/// A time as spans have it.
std::int64_t nanoseconds(std::chrono::steady_clock::time_point time);

/// Hands a span of this thread to `sink` (null: does nothing) when it goes, also by an exception.
class PhaseSpan {
 public:
  PhaseSpan(ProfileSink* sink, Span::Kind kind);
  PhaseSpan(const PhaseSpan&) = delete;
  PhaseSpan& operator=(const PhaseSpan&) = delete;
  ~PhaseSpan();

 private:
  ProfileSink* sink_;
  Span span_;
};

}  // namespace wherry::engine
