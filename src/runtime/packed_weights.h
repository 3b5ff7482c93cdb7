#pragma once
// The weights of a model in the order its kernels read them. They are packed once, one at a time, and shared by the
// plans of all input shapes, so a new shape costs no packing and the file's own bytes need not stay in memory.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/aligned_buffer.h"
#include "tensor/lazy_tensor.h"

namespace wherry::runtime {

using PackedWeight = std::shared_ptr<const base::AlignedBuffer>;

/// Safe to use from several threads: whoever asks first packs, others that want the same weight wait for it. A weight
/// lives as long as some plan holds it, so constants that belong to one input shape go when its plan does.
class PackedWeights {
 public:
  /// How a weight is packed: `bytes` in all, written in `items` independent parts of about equal size.
  struct Packing {
    std::string name;  ///< of the order of the bytes, with all it depends on
    std::size_t bytes = 0;
    std::int64_t items = 1;
    /// Writes parts [begin, end) of a weight that may have any strides. Must not throw where it runs in parallel.
    std::function<void(const Tensor& weight, std::byte* packed, std::int64_t begin, std::int64_t end)> pack;
  };
  /// Divides [begin, end) between threads and calls `part` for each share.
  using Divide = std::function<void(std::int64_t begin, std::int64_t end,
                                    const std::function<void(std::int64_t begin, std::int64_t end)>& part)>;

  /// The packed form of `weight`. Equal keys and packing names mean equal bytes. `divide` may be empty.
  PackedWeight get(const tensor::LazyTensor& weight, const Packing& packing, const Divide& divide = {});

  /// The weight as it is, row-major, for kernels that read it in its own order.
  std::shared_ptr<const Tensor> plain(const tensor::LazyTensor& weight);

  struct Totals {
    std::int64_t packings = 0;  ///< how often a weight was packed: asked for first
    std::int64_t reuses = 0;    ///< how often it was there already
    std::int64_t bytes = 0;     ///< of the packed weights alive now
    std::int64_t entries = 0;   ///< weights known by name, dead ones that were not yet swept included
  };
  Totals totals() const;

 private:
  struct Entry {
    std::mutex mutex;  // held while packing
    std::weak_ptr<const base::AlignedBuffer> packed;
    std::weak_ptr<const Tensor> plain;
  };
  std::shared_ptr<Entry> entry(const std::string& name);
  void count(bool reused);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::size_t sweep_at_ = 1024;  // entries at which the dead ones are dropped
  std::int64_t packings_ = 0;
  std::int64_t reuses_ = 0;
};

}  // namespace wherry::runtime
