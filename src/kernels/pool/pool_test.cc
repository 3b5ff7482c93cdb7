// Pooling against the one-output-at-a-time oracle: odd channels, clipped windows, dilation, divisors, NaN, strides.

#include "kernels/pool/pool.h"

#include <gtest/gtest.h>

#include <bit>

#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"
#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

using base::Isa;

std::vector<Isa> tested_isas() {
  std::vector<Isa> isas;
#define WHERRY_POOL_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/pool/kernels.inc"
#undef WHERRY_POOL_KERNELS
  return isas;
}

std::vector<Isa> tested_bf16_isas() {
  std::vector<Isa> isas;
#define WHERRY_BF16_POOL_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/pool/bf16_kernels.inc"
#undef WHERRY_BF16_POOL_KERNELS
  return isas;
}

class Pools : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Pools, testing::ValuesIn(tested_isas()), isa_name);

/// Dense channels-last strides with `gap` unused channels after each pixel.
void lay_out(PoolShape& s, std::int64_t gap) {
  s.x_column_stride = s.channels + gap;
  s.x_row_stride = s.x_column_stride * s.in_width;
  s.x_batch_stride = s.x_row_stride * s.in_height;
  s.y_column_stride = s.channels + gap;
  s.y_row_stride = s.y_column_stride * s.out_width;
  s.y_batch_stride = s.y_row_stride * s.out_height;
}

void check(const PoolShape& s, Isa isa, const std::vector<float>& x) {
  const std::int64_t size = s.batch * s.y_batch_stride;
  test::Guarded<float> expected(size), y(size, 1);
  pool_reference(s, x.data(), expected.data());
  const auto pool = make_pool(s, isa);
  const std::int64_t half = pool->items() / 2;
  pool->run(x.data(), y.data(), half, pool->items());
  pool->run(x.data(), y.data(), 0, half);
  EXPECT_TRUE(y.intact());
  for (std::int64_t i = 0; i < size; ++i) {
    if (i % s.y_column_stride >= s.channels) {
      ASSERT_TRUE(y.untouched(i));
    } else if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(y[i])) << i;
    } else if (s.mode == PoolMode::max || std::isinf(expected[i])) {
      ASSERT_EQ(y[i], expected[i]) << i;
    } else {
      ASSERT_NEAR(y[i], expected[i], 2e-6) << i;  // windows of up to 170 values of about 1
    }
  }
}

std::vector<float> image(const PoolShape& s, std::uint32_t seed) {
  return test::normal_values(s.batch * s.x_batch_stride, seed);
}

TEST_P(Pools, RandomWindows) {
  std::mt19937 random(1);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(high - low + 1));
  };
  for (int round = 0; round < 300; ++round) {
    PoolShape s;
    s.mode = random() % 2 ? PoolMode::max : PoolMode::average;
    s.batch = pick(1, 2);
    s.channels = round % 3 ? pick(1, 40) : pick(60, 200);
    s.in_height = pick(1, 12);
    s.in_width = pick(1, 12);
    s.kernel_h = pick(1, 4);
    s.kernel_w = pick(1, 4);
    s.stride_h = pick(1, 3);
    s.stride_w = pick(1, 3);
    s.pad_top = pick(0, s.kernel_h / 2);
    s.pad_bottom = s.pad_top;
    s.pad_left = pick(0, s.kernel_w / 2);
    s.pad_right = pick(0, s.kernel_w / 2);
    if (s.mode == PoolMode::max) s.dilation_h = pick(1, 2), s.dilation_w = pick(1, 3);
    s.count_include_pad = random() % 2;
    if (random() % 4 == 0) s.divisor = pick(1, 9);
    // As many outputs as start inside the image or its leading padding: what ceil_mode allows at most.
    s.out_height = pick(1, (s.in_height + s.pad_top - 1) / s.stride_h + 1);
    s.out_width = pick(1, (s.in_width + s.pad_left - 1) / s.stride_w + 1);
    lay_out(s, random() % 2 ? 0 : 3);
    auto x = image(s, random());
    for (float& value : x)
      if (random() % 50 == 0) value = test::awkward_values()[random() % test::awkward_values().size()];
    if (s.mode == PoolMode::average)
      for (float& value : x) value = std::isnan(value) || std::fabs(value) > 10 ? 1 : value;
    check(s, GetParam(), x);
  }
}

TEST_P(Pools, AdaptiveAndGlobal) {
  for (const PoolMode mode : {PoolMode::max, PoolMode::average})
    for (const std::int64_t channels : {1, 16, 63, 64, 65, 200})
      for (const std::int64_t in : {1, 7, 13})
        for (const std::int64_t out : {1, 2, 7, 9}) {
          PoolShape s;
          s.mode = mode;
          s.adaptive = true;
          s.batch = 2;
          s.channels = channels;
          s.in_height = in;
          s.in_width = in + 2;
          s.out_height = out;
          s.out_width = 1;
          lay_out(s, 0);
          check(s, GetParam(), image(s, 9));
        }
}

TEST_P(Pools, NaNComesThroughAMaximum) {
  for (const int position : {0, 3, 8}) {
    PoolShape s;
    s.channels = 70;
    s.in_height = s.in_width = s.kernel_h = s.kernel_w = 3;
    s.out_height = s.out_width = 1;
    lay_out(s, 0);
    auto x = image(s, 5);
    for (const int c : {0, 17, 64, 69}) x[static_cast<std::size_t>(position * 70 + c)] = NAN;
    test::Guarded<float> y(70);
    const auto pool = make_pool(s, GetParam());
    pool->run(x.data(), y.data(), 0, pool->items());
    for (int c = 0; c < 70; ++c) EXPECT_EQ(std::isnan(y[c]), c == 0 || c == 17 || c == 64 || c == 69) << c;
  }
}

/// On bf16: the oracle reads and writes it too.
class Bf16Pools : public testing::TestWithParam<Isa> {
 protected:
  /// Maxima and exact averages agree to the last bit, others to the last place of bf16.
  void check_bf16(PoolShape s, const std::vector<std::uint16_t>& x, bool exact) {
    s.dtype = DType::bf16;
    const std::int64_t size = s.batch * s.y_batch_stride;
    std::vector<std::uint16_t> expected(static_cast<std::size_t>(size), 0x1234), y = expected;
    pool_reference(s, x.data(), expected.data());
    const auto pool = make_pool(s, GetParam());
    const std::int64_t half = pool->items() / 2;
    pool->run(x.data(), y.data(), half, pool->items());
    pool->run(x.data(), y.data(), 0, half);
    for (std::int64_t i = 0; i < size; ++i) {
      const auto got = y[static_cast<std::size_t>(i)], wanted = expected[static_cast<std::size_t>(i)];
      if (is_nan(wanted)) {
        ASSERT_TRUE(is_nan(got)) << i;
      } else if (exact) {
        ASSERT_EQ(got & (got == 0x8000 ? 0 : 0xffff), wanted & (wanted == 0x8000 ? 0 : 0xffff)) << i;  // −0 is 0
      } else {
        ASSERT_LE(std::abs(got - wanted), 1) << i;
      }
    }
  }
  static bool is_nan(std::uint16_t x) { return (x & 0x7fff) > 0x7f80; }
};

INSTANTIATE_TEST_SUITE_P(Isas, Bf16Pools, testing::ValuesIn(tested_bf16_isas()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16Pools);

TEST_P(Bf16Pools, MaximaOfAnyBits) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    PoolShape s;
    s.channels = round % 3 ? 1 + round % 70 : 60 + round;
    s.in_height = 1 + random() % 9, s.in_width = 1 + random() % 9;
    s.kernel_h = 1 + random() % 3, s.kernel_w = 1 + random() % 3;
    s.pad_top = s.kernel_h / 2, s.pad_left = s.kernel_w / 2;
    s.stride_h = s.stride_w = 1 + round % 2;
    s.out_height = (s.in_height + s.pad_top - 1) / s.stride_h + 1;
    s.out_width = (s.in_width + s.pad_left - 1) / s.stride_w + 1;
    lay_out(s, round % 2 ? 0 : 3);
    std::vector<std::uint16_t> x(static_cast<std::size_t>(s.batch * s.x_batch_stride));
    for (std::uint16_t& each : x) {
      each = static_cast<std::uint16_t>(random());
      // Few NaN, of both signs, and infinities.
      if (is_nan(each) && random() % 8) each &= 0xbfff;
      if (random() % 20 == 0) each = random() % 2 ? 0x7f80 : 0xff80;
    }
    check_bf16(s, x, true);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Bf16Pools, EveryNumberAgainstEveryKindOfOther) {
  PoolShape s;
  s.channels = 65536;
  s.in_height = s.kernel_h = 2, s.in_width = s.out_width = s.out_height = 1;
  lay_out(s, 0);
  std::vector<std::uint16_t> x(2 * 65536);
  for (std::size_t i = 0; i < 65536; ++i) x[i] = static_cast<std::uint16_t>(i);
  for (const std::uint16_t other : {0x0000, 0x8000, 0x3f80, 0xbf80, 0x0001, 0x8001, 0x7f7f, 0xff7f, 0x7f80, 0xff80,
                                    0x7fc0, 0xffc0, 0x7f81, 0xff81, 0x7fff, 0xffff}) {
    std::fill(x.begin() + 65536, x.end(), other);
    check_bf16(s, x, true);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Bf16Pools, Averages) {
  for (const bool whole : {true, false})
    for (const std::int64_t channels : {1, 31, 32, 33, 64, 96, 127, 128, 200}) {
      PoolShape s;
      s.mode = PoolMode::average;
      s.channels = channels;
      s.in_height = 6, s.in_width = 7;
      s.kernel_h = s.kernel_w = 2, s.stride_h = 2, s.pad_top = s.pad_left = 1;
      s.out_height = 4, s.out_width = 8;
      lay_out(s, 2);
      std::vector<std::uint16_t> x;
      for (const float value : image(s, 8)) {
        const float number = whole ? std::round(value * 4) : value;
        x.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number) >> 16));
      }
      s.divisor = whole ? 4 : 0;
      check_bf16(s, x, whole);
      if (HasFatalFailure()) return;
    }
}

TEST(PoolReference, IsPyTorchs) {
  // avg_pool2d(arange(1, 10).view(1, 1, 3, 3), 3, stride=2, padding=1, ceil_mode=True), both values of
  // count_include_pad.
  PoolShape s;
  s.mode = PoolMode::average;
  s.channels = 1;
  s.in_height = s.in_width = 3;
  s.out_height = s.out_width = 2;
  s.kernel_h = s.kernel_w = 3;
  s.stride_h = s.stride_w = 2;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 1;
  lay_out(s, 0);
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  float y[4];
  pool_reference(s, x, y);
  EXPECT_FLOAT_EQ(y[0], 12.0f / 9);
  EXPECT_FLOAT_EQ(y[3], 28.0f / 9);
  s.count_include_pad = false;
  pool_reference(s, x, y);
  EXPECT_FLOAT_EQ(y[0], 3);
  EXPECT_FLOAT_EQ(y[3], 7);
}

TEST_P(Pools, TouchNothingPastTheEnd) {
  for (const PoolMode mode : {PoolMode::max, PoolMode::average})
    for (std::int64_t channels = 1; channels < 140; ++channels) {
      PoolShape s;
      s.mode = mode;
      s.adaptive = true;
      s.channels = channels;
      s.in_height = s.in_width = 2;
      s.out_height = s.out_width = 1;
      lay_out(s, 0);
      test::PageEnd<float> x(4 * channels), y(channels);
      const auto pool = make_pool(s, GetParam());
      pool->run(x.data(), y.data(), 0, pool->items());
      EXPECT_EQ(y.data()[channels - 1], 1);
    }
}

}  // namespace
}  // namespace wherry::kernels
