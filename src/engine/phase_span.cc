#include "engine/phase_span.h"

namespace wherry {

std::string_view name_of(Span::Kind kind) {
  switch (kind) {
    case Span::Kind::load: return "load";
    case Span::Kind::import: return "import";
    case Span::Kind::passes: return "passes";
    case Span::Kind::plan: return "plan";
    case Span::Kind::pack: return "pack";
    case Span::Kind::run: return "run";
    case Span::Kind::step: return "step";
  }
  return "";
}

namespace engine {

std::int64_t nanoseconds(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

PhaseSpan::PhaseSpan(ProfileSink* sink, Span::Kind kind) : sink_(sink) {
  if (sink_ == nullptr) return;
  span_.kind = kind;
  span_.begin_ns = nanoseconds(std::chrono::steady_clock::now());
}

PhaseSpan::~PhaseSpan() {
  if (sink_ == nullptr) return;
  span_.end_ns = nanoseconds(std::chrono::steady_clock::now());
  sink_->take({&span_, 1});
}

}  // namespace engine
}  // namespace wherry
