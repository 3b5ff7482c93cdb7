#include "bench/trace_events.h"

#include <unistd.h>

namespace wherry::bench {
namespace {

/// The plugin wants numbers for threads.
int thread_id(int thread) { return static_cast<int>(::getpid()) + thread; }

}  // namespace

std::size_t TraceEvents::add(std::string_view category, std::string_view name, int thread, TraceTime begin,
                             TraceTime end, TraceJson arguments) {
  events_.push_back({{"ph", "X"},
                     {"cat", category},
                     {"name", name},
                     {"pid", thread_id(0)},
                     {"tid", thread_id(thread)},
                     {"ts", begin.us()},
                     {"dur", end.us() - begin.us()},
                     {"args", std::move(arguments)}});
  return events_.size() - 1;
}

void TraceEvents::extend(std::size_t span, TraceTime end) {
  events_[span]["dur"] = end.us() - events_[span]["ts"].get<double>();
}

void TraceEvents::label(std::string_view what, int thread, std::string_view name) {
  events_.push_back({{"ph", "M"},
                     {"name", what},
                     {"pid", thread_id(0)},
                     {"tid", thread_id(thread)},
                     {"ts", 0},
                     {"args", {{"name", name}}}});
}

void TraceEvents::window(TraceTime begin, TraceTime end) {
  events_.push_back({{"ph", "i"},
                     {"s", "g"},
                     {"name", "Iteration Start: PyTorch Profiler"},
                     {"pid", "Traces"},
                     {"tid", "Trace PyTorch Profiler"},
                     {"ts", begin.us()}});
  events_.push_back(
      {{"ph", "i"}, {"s", "g"}, {"name", "Record Window End"}, {"pid", ""}, {"tid", ""}, {"ts", end.us()}});
}

std::string TraceEvents::text() const {
  std::string text = R"({"schemaVersion":1,"deviceProperties":[],"displayTimeUnit":"ms","traceEvents":[)";
  for (const TraceJson& event : events_) {
    text += text.ends_with('[') ? "\n" : ",\n";
    text += event.dump(-1, ' ', false, TraceJson::error_handler_t::replace);
  }
  return text + "\n]}\n";
}

}  // namespace wherry::bench
