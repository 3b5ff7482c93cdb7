#pragma once
// Where time goes while a model is loaded and run: spans, handed to a sink that the caller makes.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wherry {

/// A stretch of time in which one thread did one thing.
struct Span {
  enum class Kind : std::uint8_t {
    load,    ///< a model file opened, all before the first import
    import,  ///< the model's code turned into a graph, for one set of input shapes
    passes,  ///< that graph optimised
    plan,    ///< kernels chosen, memory laid out, weights packed
    pack,    ///< one weight brought into a kernel's order, within a plan
    run,     ///< one inference, from the call to its return
    step,    ///< one step of it, on one thread; waiting for other threads is not part of it
  };
  Kind kind = Kind::run;
  std::int32_t step = -1;     ///< of a step: its index in PlanInfo::steps
  std::int32_t thread = 0;    ///< 0 is the thread that called
  std::int32_t slice = -1;    ///< of a step: which slice of the batch, where it runs in slices (PlanInfo::slices)
  std::int64_t begin_ns = 0;  ///< of std::chrono::steady_clock
  std::int64_t end_ns = 0;
  std::string name = {};  ///< of a packed weight: whose, and how packed

  double ms() const { return static_cast<double>(end_ns - begin_ns) / 1e6; }
};

/// "load", "import", …
std::string_view name_of(Span::Kind kind);

/// What takes spans. Called from whatever thread loads or runs the model, once a span or, after an inference, once for
/// all of its: its run first, then each thread's steps in order. Several threads that run the model call it at once.
class ProfileSink {
 public:
  virtual ~ProfileSink() = default;
  virtual void take(std::span<const Span> spans) = 0;
  /// Whether the sink of Options takes inferences too, or only what comes before them. Asked before each inference,
  /// which costs nothing extra where it does not.
  virtual bool takes_runs() const { return true; }
};

}  // namespace wherry
