// Any bytes → decoded, turned upright and preprocessed small, or refused with InvalidInput. Anything else is a bug.

#include <cstdint>
#include <span>

#include "vision/decode.h"
#include "vision/preprocess.h"
#include "wherry/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wherry;
  // Small limits keep one input quick; the code behind them is the same.
  constexpr vision::DecodeLimits kLimits{1 << 18, 1 << 20};
  vision::Preprocessing preprocessing;
  preprocessing.resize = 16;
  preprocessing.crop = 24;
  try {
    vision::preprocess(vision::decode(std::as_bytes(std::span(data, size)), "fuzzed", kLimits), preprocessing);
  } catch (const InvalidInput&) {
  }
  return 0;
}
