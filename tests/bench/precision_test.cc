// bf16 against fp32, where there is bf16; the choice of layers by what it must keep.

#include "bench/precision.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/cpu.h"
#include "bench/inputs.h"
#include "wherry/error.h"

namespace wherry::bench {
namespace {

const Load kLoad = [](const Options& options) {
  return Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", options);
};

std::vector<Tensor> inputs() { return random_inputs({{"image", DType::f32, Dims{2, 3, 20, 18}}}); }

TEST(ComparePrecision, OfACpuWithoutBf16IsRefused) {
  if (base::has_bf16(base::selected_isa())) GTEST_SKIP() << "this machine multiplies bf16 numbers";
  EXPECT_THROW(compare_precision(kLoad, {}, inputs(), {}), InvalidInput);
}

class WithBf16 : public testing::Test {
 protected:
  void SetUp() override {
    if (!base::has_bf16(base::selected_isa())) GTEST_SKIP() << "NOT TESTED: no bf16 instructions here";
  }
};

TEST_F(WithBf16, ComparesEveryLayer) {
  const PrecisionComparison found = compare_precision(kLoad, {}, inputs(), {.alone = true});
  ASSERT_EQ(found.layers.size(), 3u);
  for (const LayerPrecision& layer : found.layers) {
    EXPECT_TRUE(layer.bf16) << layer.module;
    EXPECT_EQ(layer.count, 1u);
    EXPECT_GT(layer.whole.max_abs_error, 0) << layer.module;
    EXPECT_GT(layer.whole.cosine, 0.999) << layer.module;
    EXPECT_GT(layer.alone, 0) << layer.module;
    EXPECT_LT(layer.alone, 0.05) << layer.module;
  }
  EXPECT_EQ(found.layers[2].module, "head");
  EXPECT_DOUBLE_EQ(found.layers[2].whole.max_rel_error, found.all.max_rel_error);
  EXPECT_TRUE(found.keep_fp32.empty());
}

TEST_F(WithBf16, KeepsTheFewestLayersThatKeepTheBound) {
  const double all = compare_precision(kLoad, {}, inputs(), {}).all.max_rel_error;
  const PrecisionComparison wide = compare_precision(kLoad, {}, inputs(), {.max_error = 2 * all});
  EXPECT_TRUE(wide.keep_fp32.empty());
  const PrecisionComparison some = compare_precision(kLoad, {}, inputs(), {.max_error = 0.9 * all});
  EXPECT_FALSE(some.keep_fp32.empty());
  EXPECT_LE(some.chosen.max_rel_error, 0.9 * all);
  for (const LayerPrecision& layer : some.layers) {
    const bool kept = std::find(some.keep_fp32.begin(), some.keep_fp32.end(), layer.module) != some.keep_fp32.end();
    EXPECT_EQ(layer.bf16, !kept) << layer.module;
  }
  const PrecisionComparison none = compare_precision(kLoad, {}, inputs(), {.max_error = 1e-9});
  EXPECT_EQ(none.keep_fp32.size(), 3u);
  EXPECT_LE(none.chosen.max_rel_error, 1e-9);
}

}  // namespace
}  // namespace wherry::bench
