// Reductions of every mode, dtype and layout against the one-element-at-a-time oracle.

#include "kernels/reduction/reduction.h"

#include <gtest/gtest.h>

#include <numeric>

#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"
#include "kernels/reduction/reduction_kernels.h"
#include "tensor/elements.h"

namespace wherry::kernels {
namespace {

using base::Isa;
using Dims = std::vector<std::int64_t>;
using Mode = ReductionMode;

std::vector<Isa> tested_isas() {
  std::vector<Isa> isas;
#define WHERRY_REDUCTION_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/reduction/kernels.inc"
#undef WHERRY_REDUCTION_KERNELS
  return isas;
}

class Reductions : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Reductions, testing::ValuesIn(tested_isas()), isa_name);

constexpr Mode kModes[] = {Mode::sum,    Mode::mean,   Mode::max, Mode::min, Mode::product,
                           Mode::argmax, Mode::argmin, Mode::any, Mode::all};

Dims strides_in_order(const Dims& sizes, const std::vector<std::size_t>& order) {
  Dims strides(sizes.size());
  std::int64_t stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= sizes[order[i]];
  }
  return strides;
}

std::int64_t product(const Dims& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
}

/// Fills in dense strides, x in the order `order` of its dimensions, y row-major.
void lay_out(ReductionShape& s, const std::vector<std::size_t>& order) {
  s.x_strides = strides_in_order(s.sizes, order);
  Dims kept = s.sizes;
  for (std::size_t d = 0; d < kept.size(); ++d)
    if (s.reduced[d]) kept[d] = 1;
  std::vector<std::size_t> row_major(s.sizes.size());
  std::iota(row_major.begin(), row_major.end(), 0);
  s.y_strides = strides_in_order(kept, row_major);
}

std::int64_t outputs(const ReductionShape& s) {
  std::int64_t n = 1;
  for (std::size_t d = 0; d < s.sizes.size(); ++d) n *= s.reduced[d] ? 1 : s.sizes[d];
  return n;
}

void check(const ReductionShape& s, Isa isa, const void* x, double tolerance) {
  const auto bytes = static_cast<std::int64_t>(size_of(s.y_dtype));
  const std::int64_t n = outputs(s);
  test::Guarded<unsigned char> expected(n * bytes), y(n * bytes, bytes);
  reduction_reference(s, x, expected.data());
  const auto reduction = make_reduction(s, isa);
  const std::int64_t middle = reduction->items() / 2;
  reduction->run(x, y.data(), middle, reduction->items());
  reduction->run(x, y.data(), 0, middle);
  EXPECT_TRUE(y.intact());
  for (std::int64_t i = 0; i < n; ++i) {
    const double want = tensor::load_double(expected.data(), s.y_dtype, i);
    const double got = tensor::load_double(y.data(), s.y_dtype, i);
    if (std::isnan(want) || std::isinf(want))
      ASSERT_TRUE(std::isnan(want) ? std::isnan(got) : got == want) << reduction->name() << " " << got;
    else
      ASSERT_NEAR(got, want, tolerance * (1 + std::fabs(want))) << reduction->name();
  }
}

TEST_P(Reductions, RandomShapesOfFloats) {
  std::mt19937 random(1);
  for (int round = 0; round < 600; ++round) {
    ReductionShape s;
    s.mode = kModes[random() % std::size(kModes)];
    const std::size_t rank = random() % 5;
    for (std::size_t d = 0; d < rank; ++d) {
      s.sizes.push_back(random() % 5 ? random() % 8 + 1 : random() % 150 + 1);
      s.reduced.push_back(random() % 2);
    }
    if (product(s.sizes) > 2000000) continue;
    std::vector<std::size_t> order(rank);
    std::iota(order.begin(), order.end(), 0);
    if (random() % 2) std::shuffle(order.begin(), order.end(), random);
    lay_out(s, order);
    if (s.mode == Mode::argmax || s.mode == Mode::argmin) s.y_dtype = DType::i64;
    auto x = test::normal_values(product(s.sizes), static_cast<std::uint32_t>(random()));
    if (s.mode == Mode::product)
      for (float& value : x) value = 1 + value / 100;
    if (random() % 3 == 0)
      for (float& value : x)
        if (random() % 100 == 0) value = random() % 2 ? NAN : std::round(value);
    check(s, GetParam(), x.data(), s.mode == Mode::sum ? 2e-6 : 2e-7);  // 16 values of about 1 are summed in fp32
  }
}

TEST_P(Reductions, ChoosesTheFastLoops) {
  const std::string isa(base::name_of(GetParam()));
  ReductionShape s;
  s.sizes = {2, 65, 7, 7};
  s.reduced = {false, false, true, true};
  lay_out(s, {0, 1, 2, 3});
  EXPECT_EQ(make_reduction(s, GetParam())->name(), "reduction_rows_" + isa);
  lay_out(s, {0, 2, 3, 1});  // channels-last
  EXPECT_EQ(make_reduction(s, GetParam())->name(), "reduction_columns_" + isa);
  EXPECT_EQ(make_reduction(s, GetParam())->items(), 4);
  s.mode = Mode::any;
  EXPECT_EQ(make_reduction(s, GetParam())->name(), "reduction_scalar");
}

TEST_P(Reductions, EveryDType) {
  constexpr DType kAll[] = {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i64,
                            DType::i32, DType::i16, DType::i8,  DType::u8,   DType::boolean};
  std::mt19937 random(2);
  for (const DType from : kAll)
    for (const DType to : kAll)
      for (const Mode mode : kModes) {
        ReductionShape s;
        s.mode = mode;
        s.sizes = {3, 17};
        s.reduced = {random() % 2 == 0, random() % 2 == 0};
        s.x_dtype = from;
        s.y_dtype = to;
        lay_out(s, {0, 1});
        std::vector<unsigned char> x(51 * size_of(from));
        for (std::int64_t i = 0; i < 51; ++i) tensor::store_int(x.data(), from, i, static_cast<int>(random() % 5));
        check(s, GetParam(), x.data(), 1e-7);
      }
}

TEST_P(Reductions, SumsOfBf16AreTheFastLoops) {
  const std::string isa(base::name_of(GetParam()));
  for (const Mode mode : {Mode::sum, Mode::mean})
    for (const bool channels_last : {true, false})
      for (const std::int64_t channels : {1, 7, 8, 9, 15, 16, 17, 33, 64, 65, 130}) {
        ReductionShape s;
        s.mode = mode;
        s.sizes = {2, channels, 5, 7};
        s.reduced = {false, false, true, true};
        s.x_dtype = DType::bf16;
        lay_out(s, channels_last ? std::vector<std::size_t>{0, 2, 3, 1} : std::vector<std::size_t>{0, 1, 2, 3});
        EXPECT_EQ(make_reduction(s, GetParam())->name(),
                  (channels_last && channels > 1 ? "reduction_columns_" : "reduction_rows_") + isa);
        test::PageEnd<std::uint16_t> x(product(s.sizes));
        const auto values = test::normal_values(product(s.sizes), 5);
        for (std::int64_t i = 0; i < product(s.sizes); ++i)
          tensor::store_double(x.data(), DType::bf16, i, values[static_cast<std::size_t>(i)]);
        x.data()[product(s.sizes) / 3] = 0x7fc0;  // NaN
        x.data()[product(s.sizes) / 2] = 0xff80;  // -infinity
        check(s, GetParam(), x.data(), 2e-6);
        s.mode = Mode::max;
        EXPECT_EQ(make_reduction(s, GetParam())->name(), "reduction_scalar");
      }
}

TEST_P(Reductions, LongSumsStayExact) {
  for (const bool rows : {true, false}) {
    ReductionShape s;
    s.sizes = rows ? Dims{1, 1000003} : Dims{200001, 5};
    s.reduced = {!rows, rows};
    lay_out(s, {0, 1});
    std::vector<float> x(static_cast<std::size_t>(product(s.sizes)), 0.1f);
    std::vector<float> y(5);
    const auto reduction = make_reduction(s, GetParam());
    reduction->run(x.data(), y.data(), 0, reduction->items());
    const double expected = static_cast<double>(0.1f) * static_cast<double>(rows ? 1000003 : 200001);
    EXPECT_NEAR(y[0], expected, 3e-7 * expected);
  }
}

TEST_P(Reductions, NaNAndFirstPlaces) {
  const std::vector<float> x = {1, 5, 2, 5, NAN, 3, NAN, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  ReductionShape s;
  s.reduced = {true};
  s.x_strides = {1};
  s.y_strides = {0};
  const auto reduce = [&](Mode mode, std::int64_t n) {
    s.mode = mode;
    s.sizes = {n};
    float y = -1;
    make_reduction(s, GetParam())->run(x.data(), &y, 0, 1);
    return y;
  };
  EXPECT_EQ(reduce(Mode::argmax, 4), 1);
  EXPECT_EQ(reduce(Mode::argmax, 20), 4);
  EXPECT_EQ(reduce(Mode::argmin, 20), 4);
  EXPECT_EQ(reduce(Mode::argmin, 4), 0);
  EXPECT_TRUE(std::isnan(reduce(Mode::max, 20)));
  EXPECT_TRUE(std::isnan(reduce(Mode::min, 20)));
  EXPECT_TRUE(std::isnan(reduce(Mode::sum, 20)));
  EXPECT_EQ(reduce(Mode::max, 4), 5);
  EXPECT_EQ(reduce(Mode::any, 5), 1);
}

TEST_P(Reductions, OfNothing) {
  const auto reduce = [&](Mode mode, DType dtype) {
    ReductionShape s;
    s.mode = mode;
    s.sizes = {3, 0};
    s.reduced = {false, true};
    s.x_strides = {0, 1};
    s.y_strides = {1, 0};
    s.x_dtype = dtype;
    float y[3] = {9, 9, 9};
    make_reduction(s, GetParam())->run(y, y, 0, 3);
    EXPECT_TRUE(y[0] == y[2] || std::isnan(y[2]));
    return y[1];
  };
  EXPECT_EQ(reduce(Mode::sum, DType::f32), 0);
  EXPECT_EQ(reduce(Mode::product, DType::f32), 1);
  EXPECT_TRUE(std::isnan(reduce(Mode::mean, DType::f32)));
  EXPECT_EQ(reduce(Mode::max, DType::f32), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(reduce(Mode::max, DType::i32), 0);
  EXPECT_EQ(reduce(Mode::all, DType::i32), 1);
  EXPECT_EQ(reduce(Mode::any, DType::i32), 0);
}

TEST(ReductionNames, ArePyTorchs) {
  EXPECT_EQ(reduction_mode_from_name("prod"), Mode::product);
  EXPECT_EQ(reduction_mode_from_name("all"), Mode::all);
  EXPECT_EQ(reduction_mode_from_name("median"), std::nullopt);
}

TEST_P(Reductions, TouchNothingPastTheEnd) {
  for (const Mode mode : {Mode::sum, Mode::max})
    for (const bool rows : {false, true})
      for (std::int64_t n = 1; n < 70; ++n) {
        ReductionShape s;
        s.mode = mode;
        s.sizes = {2, n};
        s.reduced = {!rows, rows};
        lay_out(s, {0, 1});
        test::PageEnd<float> x(2 * n), y(rows ? 2 : n);
        const auto reduction = make_reduction(s, GetParam());
        reduction->run(x.data(), y.data(), 0, reduction->items());
        EXPECT_EQ(y.data()[0], static_cast<float>(mode == Mode::max ? 1 : rows ? n : 2));
      }
}

}  // namespace
}  // namespace wherry::kernels
