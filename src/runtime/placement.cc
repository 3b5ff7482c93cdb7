// Three walks: concats from last to first claim their operands; then every node in order gets its place; then the
// outputs that can be written where the caller wants them leave the arena.

#include "runtime/placement.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/check.h"
#include "base/checked_math.h"
#include "runtime/halo.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

constexpr std::int64_t kAfterAll = std::numeric_limits<std::int64_t>::max();

std::int64_t span_bytes(DType dtype, const Dims& sizes, const Dims& strides) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    const auto reach = base::checked_mul(sizes[i] - 1, strides[i]);
    const auto sum = reach ? base::checked_add(last, *reach) : std::nullopt;
    if (!sum) base::fail<InvalidInput>("input shapes: an activation of sizes {} is too large", to_string(sizes));
    last = *sum;
  }
  const auto bytes = base::checked_mul(last + 1, static_cast<std::int64_t>(size_of(dtype)));
  if (!bytes) base::fail<InvalidInput>("input shapes: an activation of sizes {} is too large", to_string(sizes));
  return *bytes;
}

/// In which callers get an output.
Dims output_strides(const ir::Graph& graph, const ir::TensorType& type) {
  return graph.outputs_keep_strides() ? type.strides : contiguous_strides(type.sizes);
}

/// Ops whose kernels write any strides, images with C stride 1 provided.
bool writes_strided(const ir::Node& node) {
  static constexpr std::array kOps = {"convolution", "matmul", "pool",   "adaptive_pool",
                                      "elementwise", "copy",   "concat", "attention"};
  return std::find(kOps.begin(), kOps.end(), node.op()) != kOps.end();
}

/// Ops whose one step writes images of any strides; that step zeroes the halo (Lowering::add).
bool writes_halo(const ir::Node& node) {
  static constexpr std::array kOps = {"convolution", "pool", "adaptive_pool", "elementwise"};
  return std::find(kOps.begin(), kOps.end(), node.op()) != kOps.end();
}

/// Ops whose kernels read any strides, images with C stride 1 provided.
bool reads_strided(const ir::Node& node) {
  static constexpr std::array kOps = {"convolution", "pool", "adaptive_pool", "elementwise", "copy", "concat"};
  return std::find(kOps.begin(), kOps.end(), node.op()) != kOps.end();
}

/// The first operand that an op may overwrite with its result: those from there on are read element by element as the
/// result is written, those before must lie elsewhere.
std::size_t first_overwritable(const ir::Node& node) {
  if (node.op() == "elementwise") return 0;
  if (node.op() == "convolution" || node.op() == "matmul") return 3;  // the epilogue's operands
  return node.inputs().size();
}

class Placer {
 public:
  explicit Placer(const ir::Graph& graph) : graph_(graph), nodes_(graph.nodes()) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) position_[nodes_[i]] = static_cast<std::int64_t>(i);
  }

  Placement place() {
    check_strides();
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      if (nodes_[i]->op() == "concat") claim_operands(*nodes_[i]);
    }
    for (std::size_t i = 0; i < graph_.inputs().size(); ++i) {
      const ir::Value* value = graph_.inputs()[i];
      const int storage = add_storage(Storage::Kind::input, value);
      placement_.storages[static_cast<std::size_t>(storage)].index = static_cast<int>(i);
      assign(value, {{storage, 0}, value->type().strides});
    }
    for (const ir::Value* value : graph_.constants()) {
      const int storage = add_storage(Storage::Kind::constant, value);
      placement_.storages[static_cast<std::size_t>(storage)].constant = value;
      assign(value, {{storage, 0}, value->type().strides});
    }
    for (const ir::Node* node : nodes_) place_node(*node);
    place_outputs();
    return std::move(placement_);
  }

 private:
  Storage& storage(int i) { return placement_.storages[static_cast<std::size_t>(i)]; }

  void check_strides() const {
    const auto check = [](const ir::Value* value) {
      if (value->type().strides.size() != value->type().sizes.size())
        base::fail<InternalError>("a bug in wherry: value {} of type {} has no memory layout", value->id(),
                                  ir::to_string(value->type()));
    };
    for (const ir::Value* value : graph_.inputs()) check(value);
    for (const ir::Value* value : graph_.constants()) check(value);
    for (const ir::Node* node : nodes_) {
      for (const ir::Value* value : node->outputs()) check(value);
    }
  }

  std::int64_t last_use(const ir::Value* value) const {
    if (graph_.is_output(value)) return kAfterAll;
    std::int64_t last = value->producer() == nullptr ? -1 : position_.at(value->producer());
    for (const ir::Node* user : value->users()) last = std::max(last, position_.at(user));
    return last;
  }

  int add_storage(Storage::Kind kind, const ir::Value* value) {
    Storage added;
    added.kind = kind;
    added.bytes = span_bytes(value->type().dtype, value->type().sizes, value->type().strides);
    added.first = kAfterAll;
    added.last = -1;
    placement_.storages.push_back(added);
    return static_cast<int>(placement_.storages.size()) - 1;
  }

  void assign(const ir::Value* value, Place place) {
    Storage& at = storage(place.slot.storage);
    at.first = std::min(at.first, value->producer() == nullptr ? -1 : position_.at(value->producer()));
    at.last = std::max(at.last, last_use(value));
    placement_.places[value] = std::move(place);
  }

  bool placed(const ir::Value* value) const { return placement_.places.contains(value); }

  /// Gives the concat's operands their parts of its result, where producer and readers can live with the strides.
  void claim_operands(const ir::Node& concat) {
    const ir::Value* result = concat.output();
    if (!placed(result)) assign(result, {{add_storage(Storage::Kind::arena, result), 0}, result->type().strides});
    const Place whole = placement_.of(result);
    const auto dim = static_cast<std::size_t>(concat.integer("dim"));
    const auto element = static_cast<std::int64_t>(size_of(result->type().dtype));
    std::int64_t start = 0;
    for (const ir::Value* operand : concat.inputs()) {
      if (claimable(*operand, concat, whole.strides)) {
        assign(operand,
               {{whole.slot.storage, whole.slot.offset + start * whole.strides[dim] * element}, whole.strides});
      }
      start += operand->type().sizes[dim];
    }
  }

  bool claimable(const ir::Value& operand, const ir::Node& concat, const Dims& strides) const {
    const ir::Node* producer = operand.producer();
    if (producer == nullptr || producer->op() == "view" || placed(&operand) || graph_.is_output(&operand)) return false;
    if (!writes_strided(*producer) || operand.type().dtype != concat.output()->type().dtype) return false;
    if (std::count(concat.inputs().begin(), concat.inputs().end(), &operand) != 1) return false;
    // Whatever dimension was the dense one must stay so: vectors run along it.
    for (std::size_t i = 0; i < strides.size(); ++i) {
      if (operand.type().sizes[i] > 1 && operand.type().strides[i] == 1 && strides[i] != 1) return false;
    }
    return std::all_of(operand.users().begin(), operand.users().end(),
                       [](const ir::Node* user) { return reads_strided(*user); });
  }

  void place_node(const ir::Node& node) {
    for (const ir::Value* result : node.outputs()) {
      if (placed(result)) continue;
      if (node.op() == "view") {
        const Place& origin = placement_.of(node.input(0));
        const auto element = static_cast<std::int64_t>(size_of(result->type().dtype));
        assign(result,
               {{origin.slot.storage, origin.slot.offset + node.integer("offset") * element}, result->type().strides});
      } else if (const auto phases = graph_.is_output(result) ? std::nullopt : wanted_phases(*result)) {
        place_with_halo(*result, *phases, 2);
      } else if (const Halo halo = wanted_halo(*result); halo.any() && writes_halo(node)) {
        place_with_halo(*result, halo, 1);
      } else {
        const Dims strides = wants_gaps(*result) ? strides_with_gaps(result->type()) : result->type().strides;
        if (const auto taken = take_over(node, *result, strides)) {
          assign(result, {*taken, strides});
        } else {
          const int at = add_storage(Storage::Kind::arena, result);
          storage(at).bytes = span_bytes(result->type().dtype, result->type().sizes, strides);
          assign(result, {{at, 0}, strides});
        }
      }
    }
  }

  /// In the middle of its storage, with room for the halo around each image; as phases · phases images, if more than
  /// one, of every phases-th row and column.
  void place_with_halo(const ir::Value& result, const Halo& halo, std::int64_t phases) {
    const Dims& sizes = result.type().sizes;
    const std::int64_t channels = sizes[1];
    const std::int64_t row = (sizes[3] / phases + std::max(halo.left, halo.right)) * channels;
    const std::int64_t image = (sizes[2] / phases + std::max(halo.top, halo.bottom)) * row;
    const Dims strides{image, 1, row, channels};
    const auto element = static_cast<std::int64_t>(size_of(result.type().dtype));
    const std::int64_t before = (halo.top * row + halo.left * channels) * element;
    const std::int64_t after = (halo.bottom * row + halo.right * channels) * element;
    const int at = add_storage(Storage::Kind::arena, &result);
    const Dims all{phases * phases * sizes[0], channels, sizes[2] / phases, sizes[3] / phases};
    storage(at).bytes = before + span_bytes(result.type().dtype, all, strides) + after;
    assign(&result, {{at, before}, strides, halo, phases > 1 ? sizes[0] * image : 0});
  }

  /// Whether neighbouring pixels or rows had better lie a cache line further apart than they must: kernels read a line
  /// of each of a dozen at once, and where these are some KiB apart they all fall into one set of L1.
  bool wants_gaps(const ir::Value& value) const {
    const ir::TensorType& type = value.type();
    if (type.dtype != DType::bf16 && type.dtype != DType::f32) return false;
    if (graph_.is_output(&value) || value.users().empty()) return false;
    const bool image = type.sizes.size() == 4 && type.strides == channels_last_strides(type.sizes);
    const std::int64_t crowded = image ? 1024 : 512;  // bytes
    const std::int64_t row = image ? type.sizes[1] : type.sizes.empty() ? 0 : type.sizes.back();
    if (row == 0 || row * static_cast<std::int64_t>(size_of(type.dtype)) % crowded != 0) return false;
    if (image && type.dtype == DType::bf16 && writes_halo(*value.producer())) {
      return std::all_of(value.users().begin(), value.users().end(), [](const ir::Node* user) {
        return user->op() == "convolution" || user->op() == "elementwise";
      });
    }
    // Rows of matrices: what a product or a norm writes and the same read, as rows or where they add them.
    if (type.sizes.size() < 2 || type.strides != contiguous_strides(type.sizes)) return false;
    const auto by_rows = [](const ir::Node& node) { return node.op() == "matmul" || node.op() == "layer_norm"; };
    return by_rows(*value.producer()) && std::all_of(value.users().begin(), value.users().end(), [&](const auto* user) {
             return by_rows(*user) && user->input(1) != &value && user->input(2) != &value;
           });
  }

  static Dims strides_with_gaps(const ir::TensorType& type) {
    constexpr std::int64_t kLine = 64;
    const std::int64_t gap = kLine / static_cast<std::int64_t>(size_of(type.dtype));
    if (type.strides != contiguous_strides(type.sizes)) {
      const std::int64_t pixel = type.sizes[1] + gap, row = type.sizes[3] * pixel;
      return {type.sizes[2] * row, 1, row, pixel};
    }
    Dims strides(type.sizes.size(), 1);
    std::int64_t row = type.sizes.back() + gap;
    for (std::size_t i = type.sizes.size() - 1; i-- > 0; row *= type.sizes[i]) strides[i] = row;
    return strides;
  }

  /// The slot of an operand that nobody needs after this node and that has the result's type and memory order.
  std::optional<Slot> take_over(const ir::Node& node, const ir::Value& result, const Dims& strides) const {
    const auto now = position_.at(&node);
    const std::size_t first = first_overwritable(node);
    for (std::size_t i = first; i < node.inputs().size(); ++i) {
      const ir::Value* operand = node.inputs()[i];
      if (operand == nullptr) continue;
      const Place& place = placement_.of(operand);
      const Storage& at = placement_.storages[static_cast<std::size_t>(place.slot.storage)];
      if (at.kind != Storage::Kind::arena || at.last != now) continue;
      if (operand->type().dtype != result.type().dtype || operand->type().sizes != result.type().sizes) continue;
      if (!same_strides(result.type().sizes, place.strides, strides)) continue;
      bool alone = true;
      for (std::size_t k = 0; alone && k < node.inputs().size(); ++k) {
        const ir::Value* other = node.inputs()[k];
        if (other == nullptr) continue;
        const Place& its = placement_.of(other);
        alone = its.slot.storage != place.slot.storage ||
                (k >= first && its.slot.offset == place.slot.offset && other->type().sizes == result.type().sizes &&
                 other->type().dtype == result.type().dtype &&
                 same_strides(result.type().sizes, its.strides, place.strides));
      }
      if (alone) return place.slot;
    }
    return std::nullopt;
  }

  void place_outputs() {
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const ir::Value* value = graph_.outputs()[i];
      const Place& place = placement_.of(value);
      Storage& at = storage(place.slot.storage);
      const ir::TensorType& type = value->type();
      const Dims strides = output_strides(graph_, type);
      const bool whole = place.slot.offset == 0 && same_strides(type.sizes, place.strides, strides) &&
                         at.bytes == span_bytes(type.dtype, type.sizes, strides);
      if (at.kind == Storage::Kind::arena && whole) {
        at.kind = Storage::Kind::output;
        at.index = static_cast<int>(i);
      } else {
        Storage added;
        added.kind = Storage::Kind::output;
        added.index = static_cast<int>(i);
        added.bytes = span_bytes(type.dtype, type.sizes, strides);
        placement_.storages.push_back(added);
        placement_.output_copies.push_back({value, static_cast<int>(placement_.storages.size()) - 1, strides});
      }
    }
    const auto end = static_cast<std::int64_t>(nodes_.size());
    for (Storage& each : placement_.storages) {
      if (each.first == kAfterAll) each.first = 0;
      each.first = std::max<std::int64_t>(each.first, 0);
      each.last = std::clamp<std::int64_t>(each.last, each.first, end);
    }
  }

  const ir::Graph& graph_;
  const std::vector<ir::Node*> nodes_;
  std::unordered_map<const ir::Node*, std::int64_t> position_;
  Placement placement_;
};

}  // namespace

Placement place_values(const ir::Graph& graph) { return Placer(graph).place(); }

}  // namespace wherry::runtime
