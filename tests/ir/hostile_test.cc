// Whatever numbers a model file gives, inference answers with a type or with an error, never with undefined behaviour:
// every op meets extreme sizes and arguments of every kind. The sanitized build is where this test counts.

#include <gtest/gtest.h>

#include <random>

#include "ir/ops.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

constexpr std::int64_t kExtremes[] = {0,
                                      1,
                                      2,
                                      3,
                                      -1,
                                      -2,
                                      7,
                                      1 << 20,
                                      64,
                                      INT32_MAX,
                                      INT64_MAX,
                                      INT64_MIN,
                                      INT64_MIN + 1,
                                      INT64_MAX / 2,
                                      std::int64_t{1} << 32};

class Hostile {
 public:
  explicit Hostile(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  std::int64_t integer() {
    return below(2) ? static_cast<std::int64_t>(below(5)) : kExtremes[below(std::size(kExtremes))];
  }

  Dims list(std::size_t longest) {
    Dims values(below(longest + 1));
    for (auto& value : values) value = integer();
    return values;
  }

  TensorType type() {
    Dims sizes = list(5);
    for (auto& size : sizes)
      if (below(3)) size = static_cast<std::int64_t>(1 + below(4));
    return {below(3) ? DType::f32 : static_cast<DType>(below(10)), sizes, {}};
  }

  Attribute attribute(ArgumentKind kind) {
    if (below(12) == 0) kind = static_cast<ArgumentKind>(below(12));  // a wrong kind now and then
    switch (kind) {
      case ArgumentKind::boolean: return below(2) == 0;
      case ArgumentKind::integer: return integer();
      case ArgumentKind::scalar:
        return below(2) ? Attribute(integer()) : Attribute(static_cast<double>(integer()) * 0.7);
      case ArgumentKind::number: return static_cast<double>(integer()) * 0.3;
      case ArgumentKind::integer_list: return list(6);
      case ArgumentKind::number_list: return std::vector<double>(below(3), 1e300);
      case ArgumentKind::dtype: return static_cast<DType>(below(10));
      case ArgumentKind::text: return std::string(below(2) ? "same" : "ij,jk->i.");
      default: return std::monostate{};
    }
  }

 private:
  std::mt19937_64 random_;
};

TEST(Hostile, EveryOpAnswersOrRefuses) {
  Hostile hostile(1);
  std::size_t answered = 0, refused = 0;
  for (const std::string& name : known_ops()) {
    for (const Schema& schema : find_schemas(name)) {
      if (schema.inplace) continue;
      for (int round = 0; round < 300; ++round) {
        std::vector<TensorType> types;
        std::vector<bool> present;
        Attributes attributes;
        types.reserve(16);
        for (const Argument& argument : schema.arguments) {
          const std::size_t count = argument.kind == ArgumentKind::tensor        ? 1
                                    : argument.kind == ArgumentKind::tensor_list ? hostile.below(4)
                                                                                 : 0;
          for (std::size_t i = 0; i < count; ++i) {
            types.push_back(types.empty() || hostile.below(2) ? hostile.type() : types.front());
            present.push_back(hostile.below(8) != 0);
          }
          if (count == 0 && argument.kind != ArgumentKind::tensor_list && argument.kind != ArgumentKind::ignored)
            attributes[argument.name] =
                argument.fallback && hostile.below(3) == 0 ? *argument.fallback : hostile.attribute(argument.kind);
        }
        std::vector<const TensorType*> inputs;
        for (std::size_t i = 0; i < types.size(); ++i) inputs.push_back(present[i] ? &types[i] : nullptr);
        try {
          for (const TensorType& type : infer_types(schema.name, inputs, attributes)) {
            EXPECT_GE(type.numel(), 0) << schema.name;
            EXPECT_TRUE(type.strides.empty()) << schema.name;
          }
          elementwise_program(schema.name, inputs, attributes);
          ++answered;
        } catch (const InvalidModel&) {
          ++refused;
        } catch (const Unsupported&) {
          ++refused;
        }
      }
    }
  }
  EXPECT_GT(answered, 5000u);
  EXPECT_GT(refused, 5000u);
}

/// What inference accepts, the evaluator must be able to compute (where it is small).
TEST(Hostile, EvaluatorComputesWhatInferenceAccepts) {
  Hostile hostile(2);
  std::size_t computed = 0;
  for (const std::string& name : known_ops()) {
    for (const Schema& schema : find_schemas(name)) {
      if (schema.inplace || !can_evaluate(schema.name)) continue;
      for (int round = 0; round < 200; ++round) {
        std::vector<Tensor> tensors;
        Attributes attributes;
        for (const Argument& argument : schema.arguments) {
          std::size_t count = argument.kind == ArgumentKind::tensor        ? 1
                              : argument.kind == ArgumentKind::tensor_list ? hostile.below(4)
                                                                           : 0;
          for (; count > 0; --count) {
            Dims sizes(hostile.below(4));
            for (auto& size : sizes) size = static_cast<std::int64_t>(hostile.below(4));
            const DType dtype = hostile.below(2) ? DType::i64 : static_cast<DType>(hostile.below(10));
            tensors.push_back(!tensors.empty() && hostile.below(2) ? tensors.front() : Tensor::zeros(dtype, sizes));
          }
          if (argument.kind != ArgumentKind::tensor && argument.kind != ArgumentKind::tensor_list &&
              argument.kind != ArgumentKind::ignored)
            attributes[argument.name] =
                argument.fallback && hostile.below(3) == 0 ? *argument.fallback : hostile.attribute(argument.kind);
        }
        std::vector<TensorType> types;
        for (const Tensor& tensor : tensors) types.push_back({tensor.dtype(), tensor.sizes(), {}});
        std::vector<const TensorType*> type_pointers;
        std::vector<const Tensor*> inputs;
        for (std::size_t i = 0; i < tensors.size(); ++i) {
          type_pointers.push_back(&types[i]);
          inputs.push_back(&tensors[i]);
        }
        try {
          const auto outputs = infer_types(schema.name, type_pointers, attributes);
          computed += evaluate(schema.name, inputs, attributes, outputs, 4096).has_value() ? 1 : 0;
        } catch (const InvalidModel&) {
        } catch (const Unsupported&) {
        }
      }
    }
  }
  EXPECT_GT(computed, 5000u);
}

}  // namespace
}  // namespace wherry::ir
