// Tensors: sizes that overflow are refused, views and conversions read the right elements.

#include "wherry/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/elements.h"
#include "wherry/error.h"

namespace wherry {
namespace {

using testing::ElementsAre;

constexpr DType kAll[] = {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i64,
                          DType::i32, DType::i16, DType::i8,  DType::u8,   DType::boolean};

TEST(DTypes, NamesReadBack) {
  for (const DType dtype : kAll) EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
  EXPECT_EQ(name_of(DType::boolean), "bool");
  EXPECT_EQ(dtype_from_name("float"), std::nullopt);
  EXPECT_EQ(size_of(DType::bf16), 2u);
  EXPECT_EQ(size_of(DType::i64), 8u);
}

TEST(ElementCount, MultipliesAndRefusesOverflow) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({2, 0, 4}), 0);
  EXPECT_EQ(element_count({std::int64_t{1} << 62}), std::int64_t{1} << 62);
  EXPECT_THROW(element_count({std::int64_t{1} << 32, std::int64_t{1} << 31}), InvalidInput);
  // A zero does not hide sizes that no array can have.
  EXPECT_THROW(element_count({0, std::int64_t{1} << 62, 4}), InvalidInput);
  EXPECT_THROW(element_count({2, -1}), InvalidInput);
  EXPECT_THROW(element_count({std::numeric_limits<std::int64_t>::min()}), InvalidInput);
}

TEST(Tensor, RefusesSizesWhoseBytesOverflow) {
  EXPECT_THROW(Tensor::empty(DType::f64, {std::int64_t{1} << 61}), InvalidInput);
  EXPECT_THROW(Tensor::zeros(DType::u8, {std::int64_t{1} << 61}), InvalidInput);  // more than the system has
  EXPECT_THROW(Tensor::of<float>({3}, std::vector<float>{1, 2}), InvalidInput);
}

TEST(Tensor, StridesAreRowMajor) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(contiguous_strides({}), Dims{});
  EXPECT_EQ(contiguous_strides({2, 0, 4}), (Dims{4, 4, 1}));
  EXPECT_EQ(to_string(Dims{1, 3, 224}), "[1, 3, 224]");
}

TEST(Tensor, MemoryIsAligned) {
  const Tensor tensor = Tensor::zeros(DType::u8, {3, 5});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0u);
  EXPECT_THAT(tensor.values<std::uint8_t>(), testing::Each(0));
  EXPECT_EQ(tensor.bytes(), 15u);
}

TEST(Tensor, ViewsAndTheirRowMajorCopies) {
  const Tensor tensor = Tensor::of<std::int32_t>({2, 3}, std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
  const Tensor transposed = tensor.view({3, 2}, {1, 3}, 0);
  EXPECT_FALSE(transposed.is_contiguous());
  EXPECT_THROW(transposed.values<std::int32_t>(), InvalidInput);
  EXPECT_THAT(transposed.contiguous().values<std::int32_t>(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(tensor.view({2}, {3}, 1).contiguous().values<std::int32_t>(), ElementsAre(1, 4));
  EXPECT_THAT(tensor.view({2, 2}, {0, 1}, 4).contiguous().values<std::int32_t>(), ElementsAre(4, 5, 4, 5));
  // A dimension of size 1 may have any stride.
  const Tensor loose = tensor.view({1, 6}, {77, 1}, 0);
  EXPECT_TRUE(loose.is_contiguous());
  EXPECT_EQ(loose.contiguous().strides(), (Dims{6, 1}));
  EXPECT_TRUE(tensor.view({0, 3}, {1, 7}, 0).is_contiguous());
}

TEST(Tensor, CopiesShareBytesAndKeepThemAlive) {
  Tensor view;
  {
    const Tensor tensor = Tensor::of<float>({3}, std::vector<float>{1, 2, 3});
    view = tensor.view({2}, {1}, 1);
    EXPECT_EQ(view.data(), static_cast<const float*>(tensor.data()) + 1);
  }
  EXPECT_THAT(view.values<float>(), ElementsAre(2, 3));
}

TEST(Tensor, ReadingAsAnotherTypeIsRefused) {
  const Tensor tensor = Tensor::zeros(DType::f32, {2});
  EXPECT_THROW(tensor.values<double>(), InvalidInput);
  EXPECT_THROW(tensor.values<std::int32_t>(), InvalidInput);
  EXPECT_NO_THROW(Tensor::zeros(DType::boolean, {2}).values<std::uint8_t>());
  EXPECT_NO_THROW(Tensor::zeros(DType::bf16, {2}).values<std::uint16_t>());
}

TEST(Tensor, ConvertsAsPyTorchDoes) {
  const Tensor real = Tensor::of<float>({6}, std::vector<float>{1.9f, -1.9f, 0.0f, 300.0f, -0.5f, 65520.0f});
  EXPECT_THAT(real.to(DType::i64).values<std::int64_t>(), ElementsAre(1, -1, 0, 300, 0, 65520));
  EXPECT_THAT(real.to(DType::u8).values<std::uint8_t>(), ElementsAre(1, 255, 0, 44, 0, 240));
  EXPECT_THAT(real.to(DType::boolean).values<std::uint8_t>(), ElementsAre(1, 1, 0, 1, 1, 1));
  EXPECT_TRUE(std::isinf(tensor::load_double(real.to(DType::f16).data(), DType::f16, 5)));
  const Tensor whole = Tensor::of<std::int64_t>({3}, std::vector<std::int64_t>{(std::int64_t{1} << 53) + 1, -129, 256});
  EXPECT_THAT(whole.to(DType::i8).values<std::int8_t>(), ElementsAre(1, 127, 0));
  EXPECT_EQ(whole.to(DType::i64).values<std::int64_t>()[0], (std::int64_t{1} << 53) + 1);  // not by way of double
  // Converting reads through strides.
  EXPECT_THAT(whole.view({2}, {2}, 0).to(DType::i16).values<std::int16_t>(), ElementsAre(1, 256));
}

TEST(Elements, OutOfRangeBecomesTheSmallestInteger) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {infinity, -infinity, std::nan(""), 1e19, 9223372036854775808.0})
    EXPECT_EQ(base::truncate_to_int(value), INT64_MIN) << value;
  EXPECT_EQ(base::truncate_to_int(-9223372036854775808.0), INT64_MIN);
  EXPECT_EQ(base::truncate_to_int(9223372036854774784.0), 9223372036854774784);
  EXPECT_EQ(base::truncate_to_int(-1.99), -1);
}

TEST(Elements, EveryDtypeStoresAndLoads) {
  for (const DType dtype : kAll) {
    Tensor tensor = Tensor::zeros(dtype, {3});
    tensor::store_double(tensor.mutable_data(), dtype, 1, 1.0);
    tensor::store_int(tensor.mutable_data(), dtype, 2, 1);
    EXPECT_EQ(tensor::load_double(tensor.data(), dtype, 0), 0.0) << name_of(dtype);
    EXPECT_EQ(tensor::load_double(tensor.data(), dtype, 1), 1.0) << name_of(dtype);
    EXPECT_EQ(tensor::load_int(tensor.data(), dtype, 2), 1) << name_of(dtype);
  }
}

}  // namespace
}  // namespace wherry
