#pragma once
// From what a user asked of precision to what will run, and the words that say why the two differ.

#include <string>

#include "base/cpu.h"
#include "wherry/model.h"

namespace wherry::engine {

struct ChosenPrecision {
  bool bf16 = false;
  std::string note;  ///< empty where the user gets what was asked for
};

/// `automatic` follows DNNL_DEFAULT_FPMATH_MODE, or ONEDNN_DEFAULT_FPMATH_MODE where that is not set, as oneDNN reads
/// them: BF16 and ANY ask for bf16; STRICT, TF32, F16 and an empty value ask for fp32. Throws InvalidInput for any
/// other value.
ChosenPrecision choose_precision(Precision asked, base::Isa isa);

/// Whether one of those variables is set, so that nothing else decides for `automatic`.
bool precision_is_in_environment();

}  // namespace wherry::engine
