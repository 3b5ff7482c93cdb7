#pragma once
// Functions of one number that products of bf16 numbers compute on their way out, while tiles are multiplied.

#include <cstdint>

namespace wherry::kernels {

enum class Activation : std::uint8_t {
  none,
  gelu,       ///< x/2 · (1 + erf(x/√2))
  gelu_tanh,  ///< x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))
};

/// The formula.
double activate(Activation activation, double x);

}  // namespace wherry::kernels
