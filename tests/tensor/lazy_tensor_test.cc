// Lazy tensors: contents on demand, keys that tell contents apart, promises that are checked.

#include "tensor/lazy_tensor.h"

#include <gtest/gtest.h>

#include <set>

#include "wherry/error.h"

namespace wherry::tensor {
namespace {

TEST(LazyTensor, MakesItsContentsWhenAsked) {
  int made = 0;
  const LazyTensor lazy("w", DType::f32, {2}, [&] {
    ++made;
    return Tensor::zeros(DType::f32, {2});
  });
  EXPECT_EQ(made, 0);
  EXPECT_EQ(lazy.get().values<float>()[1], 0.0f);
  EXPECT_EQ(made, 1);
}

TEST(LazyTensor, ChecksWhatItWasPromised) {
  const auto make = [](Tensor tensor) { return LazyTensor("w", DType::f32, {2, 3}, [tensor] { return tensor; }); };
  EXPECT_NO_THROW(make(Tensor::zeros(DType::f32, {2, 3})).get());
  EXPECT_THROW(make(Tensor::zeros(DType::f64, {2, 3})).get(), InternalError);
  EXPECT_THROW(make(Tensor::zeros(DType::f32, {3, 2})).get(), InternalError);
  EXPECT_THROW(make(Tensor::zeros(DType::f32, {3, 2}).view({2, 3}, {1, 2}, 0)).get(), InternalError);
}

TEST(LazyTensor, GivesAViewWhereItHasOne) {
  const Tensor origin = Tensor::of<float>({3, 2}, std::vector<float>{0, 1, 2, 3, 4, 5});
  const Tensor turned = origin.view({2, 3}, {1, 2}, 0);
  const LazyTensor lazy("w", DType::f32, {2, 3}, [=] { return turned.contiguous(); }, {}, [=] { return turned; });
  EXPECT_EQ(lazy.get_strided().data(), origin.data());
  EXPECT_EQ(lazy.get_strided().strides(), (Dims{1, 2}));
  EXPECT_EQ(lazy.get().values<float>()[1], 2.0f);
  const LazyTensor plain("w", DType::f32, {3, 2}, [=] { return origin; });
  EXPECT_EQ(plain.get_strided().data(), origin.data());
}

TEST(LazyTensor, KeyFollowsContentsAndType) {
  const std::vector<float> a = {1, 2, 3, 4}, b = {1, 2, 3, 5};
  const auto key = [](const Tensor& tensor) { return LazyTensor::of(tensor)->key(); };
  EXPECT_EQ(key(Tensor::of<float>({4}, a)), key(Tensor::of<float>({4}, a)));
  EXPECT_NE(key(Tensor::of<float>({4}, a)), key(Tensor::of<float>({4}, b)));
  EXPECT_NE(key(Tensor::of<float>({4}, a)), key(Tensor::of<float>({2, 2}, a)));
  EXPECT_NE(key(Tensor::zeros(DType::f32, {4})), key(Tensor::zeros(DType::i32, {4})));
  // A transposed view is its own contents, in its own order.
  const Tensor square = Tensor::of<float>({2, 2}, a);
  EXPECT_NE(key(square), key(square.view({2, 2}, {1, 2}, 0)));
}

TEST(ContentKey, TellsLengthsPositionsAndBitsApart) {
  std::set<std::string> keys;
  std::vector<std::uint8_t> bytes(64, 0);
  for (std::size_t length = 0; length <= bytes.size(); ++length) keys.insert(content_key(bytes.data(), length));
  EXPECT_EQ(keys.size(), 65u);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(1u << (bit % 8));
    keys.insert(content_key(bytes.data(), bytes.size()));
    bytes[bit / 8] = 0;
  }
  EXPECT_EQ(keys.size(), 65u + 512u);
  EXPECT_EQ(keys.begin()->size(), 32u);
}

}  // namespace
}  // namespace wherry::tensor
