// In what a model multiplies: what was asked, what runs, and that it says so where the two differ.

#include "engine/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "wherry/error.h"
#include "wherry/model.h"

namespace wherry {
namespace {

using engine::choose_precision;
using testing::AllOf;
using testing::HasSubstr;

/// Sets or (null) unsets a variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    if (value != nullptr)
      ::setenv(name, value, 1);
    else
      ::unsetenv(name);
  }
  ~Variable() {
    if (old_.empty())
      ::unsetenv(name_);
    else
      ::setenv(name_, old_.c_str(), 1);
  }

 private:
  const char* name_;
  std::string old_;
};

TEST(Precision, NamesAndBack) {
  for (const Precision precision : {Precision::automatic, Precision::fp32, Precision::bf16})
    EXPECT_EQ(precision_from_name(name_of(precision)), precision);
  EXPECT_EQ(precision_from_name("fp16"), std::nullopt);
}

TEST(Precision, FollowsTheVariablesOfOneDnn) {
  const Variable none("DNNL_DEFAULT_FPMATH_MODE", nullptr), neither("ONEDNN_DEFAULT_FPMATH_MODE", nullptr);
  EXPECT_FALSE(choose_precision(Precision::automatic, base::Isa::amx).bf16);
  for (const char* name : {"DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE"}) {
    for (const char* asks : {"BF16", "bf16", "ANY"}) {
      const Variable variable(name, asks);
      EXPECT_TRUE(choose_precision(Precision::automatic, base::Isa::amx).bf16) << asks;
      EXPECT_FALSE(choose_precision(Precision::fp32, base::Isa::amx).bf16) << "what is asked for comes first";
    }
    for (const char* does_not : {"", "STRICT", "TF32", "F16"}) {
      const Variable variable(name, does_not);
      EXPECT_FALSE(choose_precision(Precision::automatic, base::Isa::amx).bf16) << does_not;
    }
    const Variable variable(name, "FP8");
    try {
      choose_precision(Precision::automatic, base::Isa::amx);
      FAIL();
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(name), HasSubstr("FP8"), HasSubstr("BF16")));
    }
  }
  const Variable first("DNNL_DEFAULT_FPMATH_MODE", "STRICT"), second("ONEDNN_DEFAULT_FPMATH_MODE", "BF16");
  EXPECT_FALSE(choose_precision(Precision::automatic, base::Isa::amx).bf16) << "DNNL_ is read first";
}

TEST(Precision, SaysWhereItIsNotWhatWasAsked) {
  for (const base::Isa isa : {base::Isa::scalar, base::Isa::avx2, base::Isa::avx512}) {
    const auto chosen = choose_precision(Precision::bf16, isa);
    EXPECT_FALSE(chosen.bf16);
    EXPECT_THAT(chosen.note, AllOf(HasSubstr(base::name_of(isa)), HasSubstr("fp32 runs")));
  }
  EXPECT_EQ(choose_precision(Precision::bf16, base::Isa::avx512_bf16).note, "");
}

TEST(Precision, EveryStepSaysWhatItMultiplies) {
  const std::string path = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";
  Tensor input = Tensor::empty(DType::f32, {2, 3, 12, 12});
  std::int64_t i = 0;
  for (float& value : input.mutable_values<float>()) value = static_cast<float>(i++ * 37 % 101) / 50 - 1;
  Options options;
  options.precision = Precision::fp32;
  const Model fp32 = Model::load(path, options);
  const Tensor expected = fp32.run({&input, 1})[0];
  for (const StepInfo& step : fp32.inspect({&input, 1}).steps) EXPECT_EQ(step.precision, "fp32") << step.kernel;

  options.precision = Precision::bf16;
  for (const base::Isa isa : base::runnable_isas()) {
    options.isa = base::name_of(isa);
    const Model model = Model::load(path, options);
    const PlanInfo plan = model.inspect({&input, 1});
    EXPECT_EQ(plan.precision, base::has_bf16(isa) ? "bf16" : "fp32");
    EXPECT_EQ(plan.precision_note.empty(), base::has_bf16(isa));
    EXPECT_EQ(model.describe().precision, plan.precision);
    EXPECT_EQ(model.describe().precision_note, plan.precision_note);
    for (const StepInfo& step : plan.steps)
      if (step.op == "convolution" || step.op == "matmul") {
        EXPECT_EQ(step.precision, plan.precision) << step.kernel;
      }
    const Tensor found = model.run({&input, 1})[0];
    ASSERT_EQ(found.sizes(), expected.sizes());
    EXPECT_EQ(found.dtype(), DType::f32);
    double dot = 0, a = 0, b = 0;
    for (std::int64_t k = 0; k < found.numel(); ++k) {
      const double x = found.values<float>()[static_cast<std::size_t>(k)];
      const double y = expected.values<float>()[static_cast<std::size_t>(k)];
      dot += x * y, a += x * x, b += y * y;
    }
    EXPECT_GT(dot / std::sqrt(a * b), base::has_bf16(isa) ? 0.999 : 0.9999999) << base::name_of(isa);
  }
}

}  // namespace
}  // namespace wherry
