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
  /// this dtype and these sizes, be safe to call from several threads, and give the same answer every time. `release`
  /// (may be empty) drops what the last get() brought into memory; a later get() brings it back. `view` (may be empty)
  /// gives the same elements without making a copy, in whatever strides they have.
  LazyTensor(std::string key, DType dtype, Dims sizes, std::function<Tensor()> make, std::function<void()> release = {},
             std::function<Tensor()> view = {});

  /// A tensor that exists already. The key is derived from its contents.
  static std::shared_ptr<const LazyTensor> of(Tensor tensor);

  const std::string& key() const { return key_; }
  DType dtype() const { return dtype_; }
  const Dims& sizes() const { return sizes_; }

  /// The contents, row-major, aligned to the element size. Throws InternalError where `make` broke its promise.
  Tensor get() const;

  /// The contents in any strides: what those ask for who read element by element, as packing does. A transposed weight
  /// is then read from its file directly.
  Tensor get_strided() const;

  /// Call when the contents have been packed elsewhere: a tensor that borrows a mapped file gives its pages back to the
  /// system, so a model is not resident twice. Tensors handed out by get() stay valid. Does nothing for other tensors.
  void release() const {
    if (release_) release_();
  }

 private:
  void check_made(const Tensor& tensor) const;

  std::string key_;
  DType dtype_;
  Dims sizes_;
  std::function<Tensor()> make_;
  std::function<void()> release_;
  std::function<Tensor()> view_;
};

using LazyTensorPtr = std::shared_ptr<const LazyTensor>;

/// A 128-bit content hash as 32 hex digits, for keys. Not cryptographic.
std::string content_key(const void* data, std::size_t bytes);

}  // namespace wherry::tensor
