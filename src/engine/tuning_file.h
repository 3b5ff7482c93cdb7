#pragma once
// The file in which `wherry tune` leaves what it measured, and where models find it. Text, one primitive a line:
//
//   wherry tuning 1
//   cpu Intel(R) Xeon(R) Platinum 8488C
//   convolution avx512 2 64 64 3 3 … = 12 9 64 0
//
// A key (runtime/primitive_key.h) names instruction set and threads too. One file may hold several CPUs' measurements.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/tuning.h"

namespace wherry::engine {

/// Measurements by CPU name.
using TuningFile = std::map<std::string, runtime::Tuning, std::less<>>;

/// Throws InvalidInput with the line that is wrong; `name` begins the message. Choices are checked where they are used:
/// one that fits no primitive leaves it to the cost model.
TuningFile parse_tuning(std::string_view text, std::string_view name);
std::string print_tuning(const TuningFile& file);

/// `option` where there is one; else WHERRY_TUNING where that is set; else tuning.txt in $XDG_CACHE_HOME/wherry or
/// ~/.cache/wherry. Empty for none.
std::string tuning_path(const std::optional<std::string>& option);

struct LoadedTuning {
  runtime::Tuning choices;  ///< for this CPU
  std::string note;         ///< why there are none although there is a file; empty otherwise
};

/// Never throws for what the file holds: a file that cannot be read is none, with a note. A missing one has no note.
LoadedTuning load_tuning(const std::string& path);

/// Adds choices for this CPU to the file, which is made where there is none, and replaced at once. Throws InvalidInput
/// where it cannot be written, or is something else than a tuning file.
void save_tuning(const std::string& path, const runtime::Tuning& choices);

}  // namespace wherry::engine
