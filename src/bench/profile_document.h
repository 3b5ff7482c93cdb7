#pragma once
// A profile with all it depends on, as JSON: what --json writes, the report shows, and two of which can be compared.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/profile.h"
#include "runtime/peak.h"

namespace wherry::bench {

using Json = nlohmann::ordered_json;
using runtime::measure_peak;
using runtime::Peak;

/// What a profile is of.
struct ProfileSubject {
  std::string model;
  std::string version;  ///< of wherry
  std::vector<TensorInfo> inputs;
  PlanInfo plan;
  CacheInfo cache;
  Peak peak;
};

/// "schema" is kProfileSchema. Times are in milliseconds; of phases and iterations from the first one's begin.
Json profile_document(const Profile& profile, const ProfileSubject& subject);
inline constexpr const char* kProfileSchema = "wherry.profile/1";

/// All steps in order: "op", "name", "kernel", "precision", "shape", "source", "modules", "origins", "calls", "ms",
/// "flops", …
Json profile_steps(const Profile& profile);

/// A profile read back, as far as comparing needs it.
struct ReadProfile {
  std::string path;
  std::string model;
  std::string precision;
  std::string isa;
  int threads = 1;
  double inference_ms = 0;
  struct Step {
    std::string name;
    std::string module;
    std::string kernel;
    std::string precision;
    double ms = 0;
  };
  std::vector<Step> steps;
};

/// Throws InvalidInput for a file that is not there, no JSON, or no profile of this schema.
ReadProfile read_profile(const std::string& path);

/// A row of two profiles side by side: the steps of one module and name.
struct ProfileChange {
  std::string module;
  std::string name;
  std::string kernel_before, kernel_after;
  std::size_t count_before = 0, count_after = 0;
  double before_ms = 0, after_ms = 0;
};

/// The largest change first. What only one of the two has stands alone: other versions and precisions may fuse ops
/// otherwise.
std::vector<ProfileChange> compare(const ReadProfile& before, const ReadProfile& after);

}  // namespace wherry::bench
