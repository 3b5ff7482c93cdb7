// Signatures are read as PyTorch writes them, and every op that has one has a type rule.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/ops.h"
#include "ir/schemas/tables.h"
#include "wherry/error.h"

namespace wherry::ir {
namespace {

const Schema& only(std::string_view name, std::string_view overload = "") {
  for (const Schema& schema : find_schemas(name))
    if (schema.overload == overload) return schema;
  throw std::runtime_error(std::string(name) + "." + std::string(overload));
}

TEST(Schema, ReadsArgumentsAndDefaults) {
  const Schema& conv = only("aten::conv2d");
  ASSERT_EQ(conv.arguments.size(), 7u);
  EXPECT_EQ(conv.arguments[0].name, "input");
  EXPECT_EQ(conv.arguments[0].kind, ArgumentKind::tensor);
  EXPECT_FALSE(conv.arguments[0].fallback.has_value());
  EXPECT_TRUE(conv.arguments[2].optional);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*conv.arguments[2].fallback));
  EXPECT_EQ(conv.arguments[3].kind, ArgumentKind::integer_list);
  EXPECT_EQ(conv.arguments[3].list_size, 2);
  EXPECT_EQ(*conv.arguments[3].fallback, Attribute(Dims{1, 1}));
  EXPECT_EQ(*conv.arguments[6].fallback, Attribute(std::int64_t{1}));
  EXPECT_EQ(*only("conv2d", "padding").arguments[4].fallback, Attribute(std::string("valid")));
  EXPECT_EQ(*only("max_pool2d").arguments[2].fallback, Attribute(Dims{}));
  EXPECT_EQ(*only("layer_norm").arguments[4].fallback, Attribute(1e-5));
  EXPECT_EQ(*only("gelu").arguments[1].fallback, Attribute(std::string("none")));
  EXPECT_EQ(*only("softshrink").arguments[1].fallback, Attribute(0.5));
  EXPECT_FALSE(only("index_select").arguments.back().fallback.has_value());
}

TEST(Schema, KeywordOnlyOptionalAndIgnoredArguments) {
  const Schema& arange = only("arange", "start_step");
  EXPECT_FALSE(arange.arguments[2].keyword_only);
  EXPECT_TRUE(arange.arguments[3].keyword_only);
  EXPECT_EQ(arange.arguments[3].kind, ArgumentKind::dtype);
  EXPECT_TRUE(arange.arguments[3].optional);
  EXPECT_EQ(arange.arguments[4].kind, ArgumentKind::ignored);
  EXPECT_EQ(arange.arguments[6].name, "pin_memory");
  EXPECT_EQ(arange.arguments[6].kind, ArgumentKind::ignored);
  EXPECT_EQ(only("index", "Tensor").arguments[1].kind, ArgumentKind::tensor_list);
}

TEST(Schema, ResultsMayBeSeveralNamedOrLists) {
  EXPECT_EQ(only("max", "dim").outputs, 2);
  EXPECT_THAT(only("max", "dim").output_names, testing::ElementsAre("values", "indices"));
  EXPECT_EQ(only("native_layer_norm").outputs, 3);
  EXPECT_TRUE(only("native_layer_norm").output_names.empty());
  EXPECT_TRUE(only("chunk").output_list);
  EXPECT_FALSE(only("cat").output_list);
}

TEST(Schema, OverloadsComeInTheOrderTheyAreTried) {
  std::vector<std::string> overloads;
  for (const Schema& schema : find_schemas("aten::add")) overloads.push_back(schema.overload);
  EXPECT_THAT(overloads, testing::ElementsAre("Tensor", "Scalar"));
}

TEST(Schema, InPlaceAndOtherSpellingsAreRecordedAsTheOp) {
  EXPECT_EQ(only("aten::relu_").name, "aten::relu");
  EXPECT_TRUE(only("relu_").inplace);
  EXPECT_FALSE(only("relu").inplace);
  EXPECT_EQ(only("multiply", "Tensor").name, "aten::mul");
  EXPECT_EQ(only("multiply_", "Tensor").name, "aten::mul");
  EXPECT_TRUE(only("multiply_", "Tensor").inplace);
  EXPECT_EQ(only("__iand__", "Tensor").name, "aten::bitwise_and");
  EXPECT_EQ(only("max", "other").name, "aten::maximum");
  EXPECT_EQ(only("split", "sizes").name, "aten::split_with_sizes");
  EXPECT_TRUE(find_schemas("chunk_").empty());
  EXPECT_TRUE(find_schemas("cat_").empty());
}

TEST(Schema, UnknownOpsHaveNone) {
  EXPECT_TRUE(find_schemas("aten::frobnicate").empty());
  EXPECT_TRUE(find_schemas("").empty());
}

TEST(Schema, AliasAnnotationsAreAccepted) {
  const auto parsed = schemas::parse_signature(
      "aten::squeeze_.dim(Tensor(a!) self, SymInt[2]? dim=[0,1], *, Tensor(b)? x=None) -> (Tensor(a!) out, Tensor)");
  EXPECT_EQ(parsed.listed_as, "squeeze_");
  EXPECT_EQ(parsed.schema.arguments[1].kind, ArgumentKind::integer_list);
  EXPECT_EQ(*parsed.schema.arguments[1].fallback, Attribute(Dims{0, 1}));
  EXPECT_EQ(parsed.schema.outputs, 2);
}

TEST(Schema, BrokenSignaturesAreBugs) {
  for (const auto text : {"f(Tensor self", "f(Matrix self) -> Tensor", "f(int x=y) -> Tensor", "f(Tensor x)",
                          "f() -> int", "f(bool x=1) -> Tensor", "f() -> Tensor extra"})
    EXPECT_THROW(schemas::parse_signature(text), InternalError) << text;
}

TEST(Schema, KnownOpsAreSortedAndEachHasATypeRule) {
  const auto ops = known_ops();
  EXPECT_GT(ops.size(), 400u);
  EXPECT_TRUE(std::is_sorted(ops.begin(), ops.end()));
  for (const std::string& op : ops) {
    ASSERT_FALSE(find_schemas(op).empty()) << op;
    for (const Schema& schema : find_schemas(op)) {
      // Without arguments a rule complains of those; an op without a rule is Unsupported by name.
      try {
        infer_types(schema.name, {}, {});
      } catch (const InvalidModel&) {
      } catch (const Unsupported& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace wherry::ir
