#pragma once
// From a node of the core set to steps: what the files in steps/ share. Each of them knows one op: which kernel runs
// it, what has to be packed, how the work divides between threads.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "ir/graph.h"
#include "kernels/tile.h"
#include "runtime/algorithms.h"
#include "runtime/packed_weights.h"
#include "runtime/placement.h"
#include "runtime/primitive_cache.h"
#include "runtime/primitive_key.h"
#include "runtime/step.h"
#include "runtime/thread_team.h"
#include "runtime/tuning.h"

namespace wherry::runtime {

/// A value as a kernel meets it.
struct Operand {
  Slot slot;
  DType dtype = DType::f32;
  Dims sizes;
  Dims strides;  ///< elements

  std::int64_t rank() const { return static_cast<std::int64_t>(sizes.size()); }
  std::int64_t numel() const { return element_count(sizes); }
};

/// What a step tells about itself beyond what its node says.
struct StepFacts {
  std::string kernel;
  std::int64_t flops = 0;
  std::int64_t weight_bytes = 0;
};

/// Collects the steps of one plan, node by node, to be run by so many `threads`. The team must stay the builder's while
/// this exists.
class Lowering {
 public:
  Lowering(const ir::Graph& graph, PackedWeights& weights, PrimitiveCache& primitives, ThreadTeam& team,
           const ThreadTeam::Turn& turn, int threads, base::Isa isa, const Tuning& tuning,
           const Algorithms& algorithms);

  /// Lowers one node; `position` is its place in the graph. Throws Unsupported naming op and types where no kernel
  /// fits.
  void lower(const ir::Node& node, std::int64_t position);
  /// Adds the copy of an output that no step writes in its final place.
  void lower(const OutputCopy& copy, std::int64_t position);

  const std::vector<OutputCopy>& output_copies() const { return placement_.output_copies; }

  // For the files in steps/:
  /// Of the kernels that compute in fp32.
  base::Isa isa() const { return base::fp32_isa(isa_); }
  /// Of those that multiply bf16; a graph has bf16 products only where this has bf16.
  base::Isa bf16_isa() const { return isa_; }
  /// That of a product whose operands have this dtype, or are multiplied in parts.
  base::Isa isa_for(DType dtype, bool in_parts = false) const {
    return dtype == DType::bf16 || in_parts ? bf16_isa() : isa();
  }
  /// Whether a product of so many rows, depth and columns, by constant weights, had better be multiplied in parts,
  /// where algorithms() allow that.
  bool takes_apart(DType dtype, std::int64_t rows, std::int64_t depth, std::int64_t columns) const;
  const Algorithms& algorithms() const { return algorithms_; }
  int threads() const { return threads_; }
  /// Brings a constant's bytes into memory when first asked for.
  Operand operand(const ir::Value* value);
  Operand result(const ir::Node& node) { return operand(node.output()); }
  /// The zeros around a value that lies in the middle of some; all 0 where it does not.
  Halo halo(const ir::Value* value) const { return placement_.of(value).halo; }
  /// Not 0 where a value lies as four images: Place::stride_phase.
  std::int64_t stride_phase(const ir::Value* value) const { return placement_.of(value).stride_phase; }
  /// How a value's elements lie.
  const Dims& strides(const ir::Value* value) const { return placement_.of(value).strides; }
  /// Whether nothing but the node that comes next, `reader`, sees what `node` computes: then the reader's step may
  /// compute it.
  bool is_private(const ir::Node& node, const ir::Node& reader) const;
  /// The current node's step does the work of `node`, which has none: reads its operands, and keeps its result to
  /// itself.
  void absorb(const ir::Node& node);
  /// Bytes that belong to the current node's steps alone.
  Slot scratch(std::int64_t bytes);
  /// Of the ways to multiply by a constant, the fastest first, the one to take: the first, except where a compiled file
  /// may hold the constant in some forms only; then the first whose form, by `packing_name`, it holds.
  template <typename Way, typename PackingName>
  const Way& first_at_hand(const ir::Value* weight, const std::vector<Way>& ways, PackingName&& packing_name) const {
    if (!weights_.packs_all())
      for (const Way& way : ways)
        if (weights_.supplies(*weight->constant(), packing_name(way))) return way;
    return ways.front();
  }
  /// A constant's packed form, kept alive by the plan; packed with the team where no plan has done so before.
  const std::byte* pack(const ir::Value* weight, const PackedWeights::Packing& packing);
  /// The engine's primitive of that key; made by `make`, which returns a unique_ptr, where there is none.
  template <typename Make>
  auto primitive(const std::string& key, Make&& make) {
    return primitives_.get(key, std::forward<Make>(make));
  }
  /// The same for a primitive with blockings to choose from, of the step that is added next: `make` takes what measured
  /// best, or an empty choice.
  template <typename Make>
  auto tuned_primitive(const std::string& key, Make&& make) {
    tuning_key_ = key;
    const auto found = tuning_.find(key);
    if (found == tuning_.end()) return primitive(key, [&] { return make(kernels::Choice{}); });
    ++tuned_;
    return primitive(fmt::format("{} = {}", key, fmt::join(found->second, " ")), [&] { return make(found->second); });
  }
  /// Any other thing the steps refer to.
  template <typename T>
  const T* keep(std::shared_ptr<const T> object) {
    const T* raw = object.get();
    kept_.emplace_back(std::move(object));
    return raw;
  }
  /// Takes over a step that prepares something for the node's own: `info` is all but the source.
  void add(std::unique_ptr<Step> step, StepInfo info, const ir::Node* node, const Slot& from, const Slot& to);
  /// Takes the step over: fills its info from the node and the facts, and what it reads and writes from the slots.
  void add(std::unique_ptr<Step> step, const ir::Node& node, StepFacts facts);
  /// Adds the step that copies `from` to `to`: same sizes and dtype, any strides. `node` may be null.
  void add_copy(const Operand& from, const Operand& to, const ir::Node* node);
  /// `operand`, or a copy of it in scratch where its strides differ from these.
  Operand with_strides(const Operand& operand, const Dims& strides, const ir::Node& node);

  struct Result {
    Placement placement;  // with scratch added as storages
    std::vector<std::unique_ptr<const Step>> steps;
    std::vector<std::shared_ptr<const void>> kept;         // packed weights, tile programs, constants
    std::vector<std::shared_ptr<const Tensor>> constants;  // by storage; null where the storage is no constant
    std::int64_t own_bytes = 0;                            // of the constants that nobody else had
    int tuned = 0;                                         // steps whose blocking was measured
  };
  Result finish();

 private:
  PackedWeights& weights_;
  PrimitiveCache& primitives_;
  ThreadTeam& team_;
  const ThreadTeam::Turn& turn_;
  int threads_;
  base::Isa isa_;
  const Tuning& tuning_;
  Algorithms algorithms_;
  std::int64_t position_ = 0;
  Placement placement_;
  std::vector<std::unique_ptr<const Step>> steps_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::vector<std::shared_ptr<const Tensor>> constants_;
  std::int64_t own_bytes_ = 0;
  int tuned_ = 0;
  std::string tuning_key_;
  std::vector<int> touched_;  // scratch of the current node
  std::unordered_map<const ir::Node*, const ir::Node*> next_;
  std::vector<const ir::Node*> absorbed_;  // by the current node's step
};

/// How many threads work worth this many floating-point operations and bytes of traffic can feed: below a few
/// microseconds each, waking and meeting costs more than it saves.
int useful_threads(std::int64_t flops, std::int64_t bytes, std::int64_t items);

/// `flops` of operands of this dtype as so many in fp32, for useful_threads.
std::int64_t flops_cost(std::int64_t flops, DType dtype);

/// As StepInfo::precision has it: "fp32", "fp64", "int64", …
std::string precision_name(DType dtype);

/// Refuses a node: throws Unsupported with one item, `reason` in the message.
[[noreturn]] void unsupported(const ir::Node& node, const std::string& reason);
/// In what a convolution or matmul multiplies.
DType product_dtype(const ir::Node& node);
/// Throws Unsupported where a product's operands are neither both fp32 nor both bf16 (a constant right-hand side fp32:
/// it is packed as the left one is), or its bias is not fp32.
void require_product_dtypes(const ir::Node& node);
/// Throws Unsupported where one of the node's floating operands or its result is not fp32.
void require_f32(const ir::Node& node);

// One per file in steps/.
void lower_convolution(const ir::Node& node, Lowering& lowering);
void lower_matmul(const ir::Node& node, Lowering& lowering);
void lower_attention(const ir::Node& node, Lowering& lowering);
void lower_elementwise(const ir::Node& node, Lowering& lowering);
void lower_pool(const ir::Node& node, Lowering& lowering);
void lower_adaptive_pool(const ir::Node& node, Lowering& lowering);
void lower_layer_norm(const ir::Node& node, Lowering& lowering);
void lower_group_norm(const ir::Node& node, Lowering& lowering);
void lower_softmax(const ir::Node& node, Lowering& lowering);
void lower_reduce(const ir::Node& node, Lowering& lowering);
void lower_copy(const ir::Node& node, Lowering& lowering);
void lower_gather(const ir::Node& node, Lowering& lowering);
void lower_concat(const ir::Node& node, Lowering& lowering);
void lower_pad(const ir::Node& node, Lowering& lowering);

}  // namespace wherry::runtime
