// Shapes as people type them, and mistyped ones.

#include "cli/input_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wherry/error.h"

namespace wherry::cli {
namespace {

TEST(InputShape, SizesTypesAndNames) {
  EXPECT_EQ(parse_input_shape("1x3x224x224").sizes, (Dims{1, 3, 224, 224}));
  EXPECT_EQ(parse_input_shape("8,3,32,32").sizes, (Dims{8, 3, 32, 32}));
  EXPECT_EQ(parse_input_shape("7").sizes, (Dims{7}));
  EXPECT_EQ(parse_input_shape("0x4").sizes, (Dims{0, 4}));
  EXPECT_EQ(parse_input_shape("scalar:int64").sizes, Dims{});
  EXPECT_EQ(parse_input_shape("1x3").dtype, std::nullopt);
  EXPECT_EQ(parse_input_shape("1x128:int64").dtype, DType::i64);
  EXPECT_EQ(parse_input_shape("mask=1x128:bool").name, "mask");
  EXPECT_EQ(parse_input_shape("mask=1x128:bool").dtype, DType::boolean);
}

TEST(InputShape, RefusalsQuoteTheText) {
  for (const char* text : {"", "x", "1x", "x3", "1xx3", "-1x3", "1x3:", "1x3:quux", "=1x3", "1 x 3", "three",
                           "99999999999999999999", "1x3:int64:int64", "4294967296x4294967296", "1048576x1048576"}) {
    try {
      parse_input_shape(text);
      ADD_FAILURE() << "accepted '" << text << "'";
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("\n"))) << text;
    }
  }
}

}  // namespace
}  // namespace wherry::cli
