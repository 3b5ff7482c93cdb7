// Tensors cut out of storages: what fits, what is borrowed, what is copied, and
// what is refused.

#include "import/pickle/storage.h"

#include <cstring>

#include "test_files.h"
#include "zip_builder.h"

namespace wherry::import {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Floats 0, 1, 2, … beginning `skew` bytes after an aligned address.
struct Numbers {
  explicit Numbers(int count, std::size_t skew = 0) {
    std::string text(skew + static_cast<std::size_t>(count) * sizeof(float), '\0');
    for (int i = 0; i < count; ++i) {
      const auto value = static_cast<float>(i);
      std::memcpy(text.data() + skew + static_cast<std::size_t>(i) * sizeof(float), &value, sizeof(float));
    }
    Bytes all = bytes_of(text);
    bytes = {all.data.subspan(skew), all.owner};
    auto made = std::make_shared<Storage>();
    made->name = "data/0";
    made->dtype = DType::f32;
    made->size = static_cast<std::int64_t>(bytes.data.size());
    made->read = [this] { return bytes; };
    made->release = [this](std::span<const std::byte> part) { released = part; };
    storage = made;
  }
  Bytes bytes;
  StoragePtr storage;
  std::span<const std::byte> released;
};

std::vector<float> values(const tensor::LazyTensorPtr& tensor) {
  const Tensor t = tensor->get();
  const auto all = t.values<float>();
  return {all.begin(), all.end()};
}

TEST(Storage, BorrowsRowMajorTensors) {
  Numbers numbers(12);
  const auto tensor = cut_tensor(numbers.storage, DType::f32, 4, {2, 3}, {3, 1}, "test");
  EXPECT_THAT(values(tensor), ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_EQ(tensor->get().data(), numbers.bytes.data.data() + 16);
  EXPECT_EQ(tensor->key(), "data/0+4 float32 [2, 3] [3, 1]");
  tensor->release();
  EXPECT_EQ(numbers.released.data(), numbers.bytes.data.data() + 16);
  EXPECT_EQ(numbers.released.size(), 24u);
}

TEST(Storage, CopiesOtherOrders) {
  Numbers numbers(12);
  const auto tensor = cut_tensor(numbers.storage, DType::f32, 1, {3, 2}, {1, 4}, "test");
  EXPECT_THAT(values(tensor), ElementsAre(1, 5, 2, 6, 3, 7));
}

TEST(Storage, CopiesMisalignedBytes) {
  Numbers numbers(4, 1);
  const auto tensor = cut_tensor(numbers.storage, DType::f32, 1, {3}, {1}, "test");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor->get().data()) % alignof(float), 0u);
  EXPECT_THAT(values(tensor), ElementsAre(1, 2, 3));
}

TEST(Storage, AllowsEmptyScalarAndExpandedTensors) {
  Numbers numbers(4);
  EXPECT_EQ(cut_tensor(numbers.storage, DType::f32, 0, {0, 3}, {3, 1}, "test")->get().numel(), 0);
  EXPECT_THAT(values(cut_tensor(numbers.storage, DType::f32, 3, {}, {}, "test")), ElementsAre(3));
  EXPECT_THAT(values(cut_tensor(numbers.storage, DType::f32, 2, {2, 2}, {0, 1}, "test")), ElementsAre(2, 3, 2, 3));
}

TEST(Storage, RefusesWhatDoesNotFit) {
  Numbers numbers(12);
  auto refusal = [&](std::int64_t offset, Dims sizes, Dims strides) {
    return message_of<InvalidModel>(
        [&] { cut_tensor(numbers.storage, DType::f32, offset, sizes, strides, "test.pt"); });
  };
  constexpr std::int64_t kHuge = INT64_MAX;
  EXPECT_THAT(refusal(1, {12}, {1}), HasSubstr("test.pt: a float32 tensor of sizes [12]"));
  for (const std::int64_t offset : {std::int64_t{-1}, std::int64_t{12}, kHuge}) refusal(offset, {1}, {1});
  refusal(13, {0}, {1});
  refusal(0, {-1}, {1});
  refusal(0, {2}, {-1});
  refusal(0, {2}, {12});
  refusal(0, {2, 2}, {kHuge, kHuge});
  refusal(0, {kHuge}, {1});
  refusal(0, {kHuge, kHuge, kHuge}, {0, 0, 0});
  refusal(0, {0, kHuge, kHuge}, {1, 1, 1});
  refusal(0, {2, 3}, {1});
  refusal(0, Dims(65, 1), Dims(65, 1));
  EXPECT_THAT(refusal(0, {std::int64_t{1} << 40}, {0}), HasSubstr("repeats its storage"));
}

TEST(Storage, ComesFromRecords) {
  const auto archive = ZipArchive::open("test.pt", bytes_of(build_zip({{"net/data/0", std::string(16, '\1')}})));
  const StoragePtr storage = storage_of_record(archive, "data", "0", DType::i32, 3);
  EXPECT_EQ(storage->size,
            12);  // the record may be longer than the tensors need
  auto refusal = [&](std::string_view key, std::int64_t numel) {
    return message_of<InvalidModel>([&] { storage_of_record(archive, "data", key, DType::i32, numel); });
  };
  EXPECT_THAT(refusal("1", 1), HasSubstr("'data/1' is missing"));
  EXPECT_THAT(refusal("0", 5), HasSubstr("has 16 bytes, but 5 elements of int32"));
  refusal("0", -1);
  refusal("0", INT64_MAX);
}

TEST(Storage, RefusesBigEndianArchives) {
  const auto archive = ZipArchive::open("test.pt", bytes_of(build_zip({{"net/byteorder", "big"}})));
  EXPECT_THAT(message_of<InvalidModel>([&] { check_byte_order(*archive); }), HasSubstr("'big' byte order"));
}

}  // namespace
}  // namespace wherry::import
