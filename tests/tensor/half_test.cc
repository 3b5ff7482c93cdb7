// The 16-bit formats, exhaustively: every bit pattern, and the three floats around every boundary of rounding.

#include "tensor/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wherry::tensor {
namespace {

/// The value of a sign-exponent-mantissa pattern, by the definition of IEEE 754.
double by_definition(std::uint16_t bits, int exponent_bits) {
  const int mantissa_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1)
    return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
}

struct Format {
  const char* name;
  int exponent_bits;
  float (*widen)(std::uint16_t);
  std::uint16_t (*narrow)(float);
  std::uint16_t infinity;
};

class Half : public testing::TestWithParam<Format> {};

TEST_P(Half, WidensEveryPatternExactly) {
  const Format& format = GetParam();
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = format.widen(static_cast<std::uint16_t>(bits));
    const double wanted = by_definition(static_cast<std::uint16_t>(bits), format.exponent_bits);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(value, wanted) << bits;
      ASSERT_EQ(std::signbit(value), std::signbit(wanted)) << bits;
    }
  }
}

TEST_P(Half, NarrowsEveryPatternBackToItself) {
  const Format& format = GetParam();
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = format.widen(static_cast<std::uint16_t>(bits));
    if (std::isnan(value))
      ASSERT_TRUE(std::isnan(format.widen(format.narrow(value)))) << bits;
    else
      ASSERT_EQ(format.narrow(value), bits) << bits;
  }
}

TEST_P(Half, RoundsToNearestAndTiesToEven) {
  const Format& format = GetParam();
  for (std::uint16_t bits = 0; bits + 1 < format.infinity; ++bits) {
    const auto above = static_cast<std::uint16_t>(bits + 1);
    // The middle of two neighbours has one bit more: a float holds it.
    const auto middle = static_cast<float>((static_cast<double>(format.widen(bits)) + format.widen(above)) / 2);
    const std::uint16_t even = bits % 2 == 0 ? bits : above;
    for (const int sign : {1, -1}) {
      const auto expected = [&](std::uint16_t pattern) {
        return static_cast<std::uint16_t>(pattern | (sign < 0 ? 0x8000 : 0));
      };
      const auto signed_value = [&](float value) { return sign < 0 ? -value : value; };
      ASSERT_EQ(format.narrow(signed_value(middle)), expected(even)) << bits;
      ASSERT_EQ(format.narrow(signed_value(std::nextafter(middle, INFINITY))), expected(above)) << bits;
      ASSERT_EQ(format.narrow(signed_value(std::nextafter(middle, 0.0f))), expected(bits)) << bits;
    }
  }
}

TEST_P(Half, OverflowsToInfinity) {
  const Format& format = GetParam();
  const double largest = format.widen(static_cast<std::uint16_t>(format.infinity - 1));
  const double step = largest - format.widen(static_cast<std::uint16_t>(format.infinity - 2));
  const auto limit = static_cast<float>(largest + step / 2);  // ties go to the even neighbour, which is infinity
  EXPECT_EQ(format.narrow(limit), format.infinity);
  EXPECT_EQ(format.narrow(std::nextafter(limit, 0.0f)), format.infinity - 1);
  EXPECT_EQ(format.narrow(-std::numeric_limits<float>::infinity()), format.infinity | 0x8000);
  EXPECT_EQ(format.narrow(std::numeric_limits<float>::max()), format.infinity);
}

INSTANTIATE_TEST_SUITE_P(Formats, Half,
                         testing::Values(Format{"f16", 5, f16_to_float, float_to_f16, 0x7c00},
                                         Format{"bf16", 8, bf16_to_float, float_to_bf16, 0x7f80}),
                         [](const auto& format) { return format.param.name; });

TEST(HalfNan, StaysNanWhateverItsPayload) {
  for (const std::uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0x7fc00000u}) {
    EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(bits)))));
    EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(std::bit_cast<float>(bits)))));
  }
}

}  // namespace
}  // namespace wherry::tensor
