#pragma once
// The weights of a model in the order its kernels read them. They are packed once, one at a time, and shared by the
// plans of all input shapes, so a new shape costs no packing and the file's own bytes need not stay in memory.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "tensor/lazy_tensor.h"

namespace wherry::runtime {

/// Bytes in the order some kernel reads them: packed in this process, or mapped from a file that holds them packed.
class PackedBytes {
 public:
  PackedBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  PackedBytes(const PackedBytes&) = delete;
  PackedBytes& operator=(const PackedBytes&) = delete;

  const std::byte* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

using PackedWeight = std::shared_ptr<const PackedBytes>;

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

  /// A weight that was packed before, 64-byte aligned, and whoever keeps its bytes alive.
  struct Held {
    std::string name;  ///< tells weight and packing (or plainness) apart from all others of the model
    bool packed = true;
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
  };
  /// Finds one by name; empty where there is none, and the weight is packed here.
  using Supply = std::function<std::optional<Held>(const std::string& name)>;
  /// Whether what a supply lacks can be packed here all the same.
  enum class Unsupplied { packed, absent };

  /// Told of every weight that was packed, by name, and when that began. Called by whoever packs.
  using OnPacked = std::function<void(const std::string& name, std::chrono::steady_clock::time_point begin)>;

  explicit PackedWeights(Supply supply = {}, OnPacked on_packed = {}, Unsupplied unsupplied = Unsupplied::packed)
      : supply_(std::move(supply)), on_packed_(std::move(on_packed)), unsupplied_(unsupplied) {}

  /// The packed form of `weight`. Equal keys and packing names mean equal bytes. `divide` may be empty.
  PackedWeight get(const tensor::LazyTensor& weight, const Packing& packing, const Divide& divide = {});

  /// Whether any weight can be packed in any form, supplied or not.
  bool packs_all() const { return !supply_ || unsupplied_ == Unsupplied::packed; }
  /// Whether the supply has it packed so (Packing::name).
  bool supplies(const tensor::LazyTensor& weight, const std::string& packing) const;

  /// The weight as it is, row-major, for kernels that read it in its own order.
  std::shared_ptr<const Tensor> plain(const tensor::LazyTensor& weight);

  /// Whether some plan reads the weight as it is.
  bool holds_plain(const tensor::LazyTensor& weight) const;

  struct Totals {
    std::int64_t packings = 0;  ///< how often a weight was packed: asked for first, and not supplied
    std::int64_t reuses = 0;    ///< how often it was there already
    std::int64_t bytes = 0;     ///< of the packed weights alive now
    std::int64_t entries = 0;   ///< weights known by name, dead ones that were not yet swept included
  };
  Totals totals() const;

  /// Says that a model's first plan is made: the weights it packed lie side by side, in as few pages as they fill, for
  /// inferences to stream through; those packed from now on may belong to one input shape and come and go alone.
  void settle();

  /// Every weight that some plan holds, by name: what a later process can be supplied with.
  std::vector<Held> held() const;

 private:
  struct Entry {
    std::mutex mutex;  // held while packing
    std::weak_ptr<const PackedBytes> packed;
    std::weak_ptr<const Tensor> plain;
  };
  std::shared_ptr<Entry> entry(const std::string& name);
  /// Entries that somebody may still use, by name.
  std::vector<std::pair<std::string, std::shared_ptr<Entry>>> entries() const;
  /// What the supply has under this name. Throws InvalidModel where it is not of this length.
  std::optional<Held> supplied(const std::string& name, std::size_t bytes) const;
  void count(bool reused);
  /// Memory to pack into, 64-byte aligned, and who owns it.
  std::pair<std::byte*, std::shared_ptr<const void>> allocate(std::size_t bytes);

  const Supply supply_;
  const OnPacked on_packed_;
  const Unsupplied unsupplied_;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::size_t sweep_at_ = 1024;  // entries at which the dead ones are dropped
  std::int64_t packings_ = 0;
  std::int64_t reuses_ = 0;
  std::shared_ptr<base::AlignedBuffer> slab_;  // where the next weight goes, until settled
  std::size_t slab_used_ = 0;
  bool settled_ = false;
};

}  // namespace wherry::runtime
