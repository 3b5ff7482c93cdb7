#pragma once
// One element of a reduction in plain C++, for every mode and dtype: the oracle, and what runs where no fast kernel
// fits.

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/reduction/reduction.h"

namespace wherry::kernels {

/// Takes values one by one, T double or std::int64_t, and says what they reduce to.
template <typename T>
class Fold {
 public:
  explicit Fold(ReductionMode mode) : mode_(mode) {
    switch (mode) {
      case ReductionMode::product:
      case ReductionMode::all: value_ = 1; break;
      case ReductionMode::max:
        if (std::is_floating_point_v<T>) value_ = -std::numeric_limits<T>::infinity();
        break;
      case ReductionMode::min:
        if (std::is_floating_point_v<T>) value_ = std::numeric_limits<T>::infinity();
        break;
      default: break;
    }
  }

  void take(T x) {
    switch (mode_) {
      case ReductionMode::sum:
      case ReductionMode::mean:
        if constexpr (std::is_floating_point_v<T>)
          value_ += x;
        else
          value_ = static_cast<T>(static_cast<std::uint64_t>(value_) + static_cast<std::uint64_t>(x));
        break;
      case ReductionMode::product:
        if constexpr (std::is_floating_point_v<T>)
          value_ *= x;
        else
          value_ = static_cast<T>(static_cast<std::uint64_t>(value_) * static_cast<std::uint64_t>(x));
        break;
      case ReductionMode::max:
      case ReductionMode::argmax: replace_if(x > value_, x); break;
      case ReductionMode::min:
      case ReductionMode::argmin: replace_if(x < value_, x); break;
      case ReductionMode::any: value_ = value_ != 0 || x != 0; break;
      case ReductionMode::all: value_ = value_ != 0 && x != 0; break;
    }
    ++count_;
  }

  bool is_place() const { return mode_ == ReductionMode::argmax || mode_ == ReductionMode::argmin; }
  std::int64_t place() const { return place_; }
  T value() const { return mode_ == ReductionMode::mean ? static_cast<T>(value_ / static_cast<T>(count_)) : value_; }

 private:
  static bool is_nan(T x) { return x != x; }

  /// The first value stands; after it a NaN replaces anything but a NaN.
  void replace_if(bool beyond, T x) {
    if (count_ > 0 && (is_nan(value_) || (!beyond && !is_nan(x)))) return;
    value_ = x;
    place_ = count_;
  }

  ReductionMode mode_;
  T value_ = 0;
  std::int64_t count_ = 0;
  std::int64_t place_ = 0;
};

}  // namespace wherry::kernels
