#pragma once
// A list of Chrome trace events, and the two of them that need care: spans whose ends must meet to the last bit, and
// modules, which nest.

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace wherry::bench {

using TraceJson = nlohmann::ordered_json;

/// Time in a trace: 64ths of a microsecond, which doubles hold and add exactly.
class TraceTime {
 public:
  static TraceTime of_ns(std::int64_t ns) { return TraceTime(ns * 64 / 1000); }
  explicit TraceTime(std::int64_t ticks) : ticks_(ticks) {}
  double us() const { return static_cast<double>(ticks_) / 64; }
  TraceTime next() const { return TraceTime(ticks_ + 1); }
  auto operator<=>(const TraceTime&) const = default;

 private:
  std::int64_t ticks_;
};

class TraceEvents {
 public:
  /// A span of a thread (0: the one that called). Readers take it for granted that of spans of the same time the outer
  /// one comes first. Returns its number.
  std::size_t add(std::string_view category, std::string_view name, int thread, TraceTime begin, TraceTime end,
                  TraceJson arguments = TraceJson::object());
  /// Lets a span last until `end`.
  void extend(std::size_t span, TraceTime end);
  /// "process_name" or "thread_name".
  void label(std::string_view what, int thread, std::string_view name);
  /// The instants between which the plugin looks.
  void window(TraceTime begin, TraceTime end);

  /// The file's text.
  std::string text() const;

 private:
  TraceJson events_ = TraceJson::array();
};

}  // namespace wherry::bench
