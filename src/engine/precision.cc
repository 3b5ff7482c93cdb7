#include "engine/precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/check.h"

namespace wherry {

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::automatic: return "auto";
    case Precision::fp32: return "fp32";
    case Precision::bf16: return "bf16";
  }
  return "?";
}

std::optional<Precision> precision_from_name(std::string_view name) {
  for (const Precision precision : {Precision::automatic, Precision::fp32, Precision::bf16})
    if (name_of(precision) == name) return precision;
  return std::nullopt;
}

}  // namespace wherry

namespace wherry::engine {
namespace {

/// The variable that decides, and its value in capitals.
struct MathMode {
  const char* variable = nullptr;
  std::string value;
};

MathMode math_mode() {
  for (const char* variable : {"DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    MathMode mode{variable, value};
    std::transform(mode.value.begin(), mode.value.end(), mode.value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return mode;
  }
  return {};
}

}  // namespace

bool precision_is_in_environment() { return math_mode().variable != nullptr; }

ChosenPrecision choose_precision(Precision asked, base::Isa isa) {
  std::string origin = "precision bf16";
  if (asked == Precision::automatic) {
    const MathMode mode = math_mode();
    if (mode.value == "BF16" || mode.value == "ANY") {
      asked = Precision::bf16;
      origin = fmt::format("{}={}", mode.variable, mode.value);
    } else if (mode.value.empty() || mode.value == "STRICT" || mode.value == "TF32" || mode.value == "F16") {
      asked = Precision::fp32;
    } else {
      base::fail<InvalidInput>("{}={}: no such mode; accepted are STRICT, BF16, ANY (and TF32, F16: fp32 here)",
                               mode.variable, mode.value);
    }
  }
  if (asked == Precision::fp32) return {};
  if (base::has_bf16(isa)) return {true, {}};
  return {false, fmt::format("{}: the instruction set {} multiplies no bf16 numbers, so fp32 runs", origin,
                             base::name_of(isa))};
}

}  // namespace wherry::engine
