#pragma once
// A tensor whose bytes are produced when asked for. A weight stays in its file until the moment it is packed, and a
// folded weight (batch norm, a transpose) never exists beside its origin for longer than that.

#include <functional>
#include <memory>
#include <string>

#include "wherry/tensor.h"

namespace wherry::tensor {

class LazyTensor {
 public:
  /// `key` names the contents within one model: equal keys mean equal bytes. `make` must return a row-major tensor of
  /// this dtype and these sizes, be safe to call from several threads, and give the same answer every time.
  LazyTensor(std::string key, DType dtype, Dims sizes, std::function<Tensor()> make);

  /// A tensor that exists already. The key is derived from its contents.
  static std::shared_ptr<const LazyTensor> of(Tensor tensor);

  const std::string& key() const { return key_; }
  DType dtype() const { return dtype_; }
  const Dims& sizes() const { return sizes_; }

  /// The contents, row-major, aligned to the element size. Throws InternalError where `make` broke its promise.
  Tensor get() const;

 private:
  std::string key_;
  DType dtype_;
  Dims sizes_;
  std::function<Tensor()> make_;
};

using LazyTensorPtr = std::shared_ptr<const LazyTensor>;

/// A 128-bit content hash as 32 hex digits, for keys. Not cryptographic.
std::string content_key(const void* data, std::size_t bytes);

}  // namespace wherry::tensor
