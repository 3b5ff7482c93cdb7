#include "tensor/lazy_tensor.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace wherry::tensor {

LazyTensor::LazyTensor(std::string key, DType dtype, Dims sizes, std::function<Tensor()> make,
                       std::function<void()> release, std::function<Tensor()> view)
    : key_(std::move(key)),
      dtype_(dtype),
      sizes_(std::move(sizes)),
      make_(std::move(make)),
      release_(std::move(release)),
      view_(std::move(view)) {}

LazyTensorPtr LazyTensor::of(Tensor tensor) {
  tensor = tensor.contiguous();
  auto key = fmt::format("{}:{}{}", content_key(tensor.data(), tensor.bytes()), name_of(tensor.dtype()),
                         to_string(tensor.sizes()));
  return std::make_shared<LazyTensor>(std::move(key), tensor.dtype(), tensor.sizes(), [tensor] { return tensor; });
}

void LazyTensor::check_made(const Tensor& tensor) const {
  WHERRY_CHECK_EQ(name_of(tensor.dtype()), name_of(dtype_));
  if (tensor.sizes() != sizes_) WHERRY_CHECK_EQ(to_string(tensor.sizes()), to_string(sizes_));
}

Tensor LazyTensor::get() const {
  Tensor tensor = make_();
  check_made(tensor);
  WHERRY_CHECK(tensor.is_contiguous());
  return tensor;
}

Tensor LazyTensor::get_strided() const {
  if (!view_) return get();
  Tensor tensor = view_();
  check_made(tensor);
  return tensor;
}

std::string content_key(const void* data, std::size_t bytes) {
  // Two lanes of the splitmix64 finaliser over 8-byte words (Steele, Lea, Flood 2014), with different seeds.
  auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  };
  std::uint64_t a = mix(bytes + 0x9e3779b97f4a7c15u), b = mix(~static_cast<std::uint64_t>(bytes));
  const char* p = static_cast<const char*>(data);
  for (std::size_t i = 0; i < bytes; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p + i, std::min<std::size_t>(8, bytes - i));
    a = mix(a ^ word) + 0x9e3779b97f4a7c15u;
    b = mix(b + word * 0xd6e8feb86659fd93u) ^ 0xa0761d6478bd642fu;
  }
  return fmt::format("{:016x}{:016x}", a, b);
}

}  // namespace wherry::tensor
