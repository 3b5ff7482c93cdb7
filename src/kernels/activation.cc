// The oracle of activations.

#include "kernels/activation.h"

#include <cmath>

namespace wherry::kernels {

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::gelu: return x / 2 * std::erfc(-x * 0.70710678118654752);
    case Activation::gelu_tanh: return x / 2 * (1 + std::tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
  }
  return x;
}

}  // namespace wherry::kernels
