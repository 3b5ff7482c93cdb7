#pragma once
// From logits to the classes a person wants to see.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wherry::tasks {

struct ClassScore {
  std::int64_t index = 0;
  float logit = 0;
  double probability = 0;  ///< softmax over all classes
};

/// The `count` most probable classes, most probable first, equal logits by index. The softmax subtracts the
/// largest logit and sums its fp32 powers in double precision. Empty optional if a logit is NaN or +infinity, or all
/// are −infinity: such numbers have no softmax. Fewer than `count` classes give all of them.
std::optional<std::vector<ClassScore>> top_classes(std::span<const float> logits, std::size_t count);

}  // namespace wherry::tasks
