// The bookkeeping around lowering: which op goes to which file, scratch, what a step says about itself.

#include "runtime/lowering.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "kernels/matmul/matmul.h"
#include "runtime/halo.h"

namespace wherry::runtime {
namespace {

using Lower = void (*)(const ir::Node&, Lowering&);

constexpr std::array<std::pair<std::string_view, Lower>, 14> kLowerings = {{
    {"convolution", lower_convolution},
    {"matmul", lower_matmul},
    {"attention", lower_attention},
    {"elementwise", lower_elementwise},
    {"pool", lower_pool},
    {"adaptive_pool", lower_adaptive_pool},
    {"layer_norm", lower_layer_norm},
    {"group_norm", lower_group_norm},
    {"softmax", lower_softmax},
    {"reduce", lower_reduce},
    {"copy", lower_copy},
    {"gather", lower_gather},
    {"concat", lower_concat},
    {"pad", lower_pad},
}};

/// "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]"; vectors, being biases mostly, are left out.
std::string shapes_of(const ir::Node& node) {
  std::string text;
  for (const ir::Value* value : node.inputs()) {
    if (value == nullptr || (value->type().sizes.size() < 2 && !text.empty())) continue;
    if (!text.empty()) text += " x ";
    text += to_string(value->type().sizes);
  }
  return text + " -> " + to_string(node.output()->type().sizes);
}

/// In what the step computes, whatever it reads and writes: "fp32", "int64".
std::string precision_of(const ir::Node& node) {
  DType dtype = node.output()->type().dtype;
  if (node.op() == "elementwise") {
    switch (node.program("program").compute) {
      case expression::Compute::f32: dtype = DType::f32; break;
      case expression::Compute::f64: dtype = DType::f64; break;
      case expression::Compute::i64: dtype = DType::i64; break;
    }
  } else if (node.op() == "convolution" || node.op() == "matmul" || node.op() == "attention") {
    dtype = product_dtype(node);
  }
  return precision_name(dtype);
}

}  // namespace

std::string precision_name(DType dtype) {
  switch (dtype) {
    case DType::f32: return "fp32";
    case DType::f64: return "fp64";
    case DType::f16: return "fp16";
    case DType::bf16: return "bf16";
    default: return std::string(name_of(dtype));
  }
}

Lowering::Lowering(const ir::Graph& graph, PackedWeights& weights, PrimitiveCache& primitives, ThreadTeam& team,
                   const ThreadTeam::Turn& turn, int threads, base::Isa isa, const Tuning& tuning,
                   const Algorithms& algorithms)
    : weights_(weights),
      primitives_(primitives),
      team_(team),
      turn_(turn),
      threads_(threads),
      isa_(isa),
      tuning_(tuning),
      algorithms_(algorithms),
      placement_(place_values(graph)) {
  constants_.resize(placement_.storages.size());
  const ir::Node* last = nullptr;
  for (const ir::Node* node : graph.nodes()) {
    if (last != nullptr) next_[last] = node;
    last = node;
  }
}

void Lowering::lower(const ir::Node& node, std::int64_t position) {
  position_ = position;
  touched_.clear();
  absorbed_.clear();
  if (node.op() == "view" || node.output()->type().numel() == 0) return;
  const auto* found =
      std::find_if(kLowerings.begin(), kLowerings.end(), [&](const auto& entry) { return entry.first == node.op(); });
  if (found == kLowerings.end()) unsupported(node, "no kernel for this op");
  found->second(node, *this);
}

void Lowering::lower(const OutputCopy& copy, std::int64_t position) {
  position_ = position;
  touched_.clear();
  if (copy.value->type().numel() == 0) return;
  const Operand from = operand(copy.value);
  add_copy(from, {{copy.storage, 0}, from.dtype, from.sizes, copy.strides}, nullptr);
}

Operand Lowering::operand(const ir::Value* value) {
  const Place& place = placement_.of(value);
  const Storage& storage = placement_.storages[static_cast<std::size_t>(place.slot.storage)];
  if (storage.kind == Storage::Kind::constant) {
    std::shared_ptr<const Tensor>& bytes = constants_[static_cast<std::size_t>(place.slot.storage)];
    if (bytes == nullptr) {
      bytes = weights_.plain(*storage.constant->constant());
      if (bytes.use_count() == 1) own_bytes_ += storage.bytes;
    }
  }
  return {place.slot, value->type().dtype, value->type().sizes, place.strides};
}

bool Lowering::is_private(const ir::Node& node, const ir::Node& reader) const {
  const auto next = next_.find(&node);
  if (next == next_.end() || next->second != &reader || node.output()->users().size() != 1) return false;
  const auto& copies = placement_.output_copies;
  if (std::any_of(copies.begin(), copies.end(), [&](const auto& copy) { return copy.value == node.output(); }))
    return false;
  const Place& place = placement_.of(node.output());
  const Storage& storage = placement_.storages[static_cast<std::size_t>(place.slot.storage)];
  return storage.kind == Storage::Kind::arena && place.slot.offset == 0 && !place.halo.any();
}

void Lowering::absorb(const ir::Node& node) {
  const auto storage_of = [&](const ir::Value* value) -> Storage& {
    return placement_.storages[static_cast<std::size_t>(placement_.of(value).slot.storage)];
  };
  for (const ir::Value* value : node.inputs()) {
    if (value == nullptr) continue;
    Storage& storage = storage_of(value);
    storage.last = std::max(storage.last, position_);
  }
  storage_of(node.output()).bytes = 0;
  absorbed_.push_back(&node);
}

Slot Lowering::scratch(std::int64_t bytes) {
  Storage added;
  added.bytes = bytes;
  added.first = added.last = position_;
  placement_.storages.push_back(added);
  constants_.emplace_back();
  touched_.push_back(static_cast<int>(placement_.storages.size()) - 1);
  return {touched_.back(), 0};
}

const std::byte* Lowering::pack(const ir::Value* weight, const PackedWeights::Packing& packing) {
  const auto divide = [&](std::int64_t begin, std::int64_t end, const auto& part) {
    team_.run(turn_, [&](int thread) noexcept {
      const auto [from, to] = part_of(end - begin, thread, team_.size());
      if (from < to) part(begin + from, begin + to);
    });
  };
  PackedWeight packed = weights_.get(*weight->constant(), packing, divide);
  kept_.push_back(packed);
  return packed->data();
}

void Lowering::add(std::unique_ptr<Step> step, const ir::Node& node, StepFacts facts) {
  const Place& place = placement_.of(node.output());
  if (place.halo.any()) {
    step = with_halo(std::move(step), node.output()->type(), place);
    facts.kernel += "+halo";
  }
  StepInfo& info = step->info_;
  info.op = node.op();
  info.kernel = std::move(facts.kernel);
  info.precision = precision_of(node);
  info.shape = shapes_of(node);
  step->source_ = node.source();
  info.weight_bytes = facts.weight_bytes;
  info.output_bytes = node.output()->type().numel() * static_cast<std::int64_t>(size_of(node.output()->type().dtype));
  info.flops = facts.flops;
  step->tuning_key_ = std::exchange(tuning_key_, {});
  const auto inside = [&](const ir::Value* value) {
    return std::any_of(absorbed_.begin(), absorbed_.end(),
                       [&](const ir::Node* each) { return each == value->producer(); });
  };
  const auto read = [&](const ir::Node& reader) {
    for (const ir::Value* value : reader.inputs()) {
      if (value == nullptr) continue;
      step->reads_.push_back(placement_.of(value).slot.storage);
      if (!value->is_constant() && !inside(value))
        info.input_bytes += value->type().numel() * static_cast<std::int64_t>(size_of(value->type().dtype));
    }
  };
  read(node);
  for (const ir::Node* each : absorbed_) {
    read(*each);
    step->source_.absorb(each->source());
    info.shape = fmt::format("{}; {}", shapes_of(*each), info.shape);
  }
  step->writes_.push_back(placement_.of(node.output()).slot.storage);
  for (const int storage : touched_) {
    step->writes_.push_back(storage);
    info.workspace_bytes += placement_.storages[static_cast<std::size_t>(storage)].bytes;
  }
  steps_.push_back(std::move(step));
}

void Lowering::add(std::unique_ptr<Step> step, StepInfo info, const ir::Node* node, const Slot& from, const Slot& to) {
  step->info_ = std::move(info);
  if (node != nullptr) {  // it stands where the node does, and does none of its work
    step->source_ = node->source();
    step->source_.op.clear();
    step->source_.fused.clear();
  }
  step->reads_ = {from.storage};
  step->writes_ = {to.storage};
  steps_.push_back(std::move(step));
}

Lowering::Result Lowering::finish() {
  return {std::move(placement_), std::move(steps_), std::move(kept_), std::move(constants_), own_bytes_, tuned_};
}

int useful_threads(std::int64_t flops, std::int64_t bytes, std::int64_t items) {
  // Rough rates of one core: 50 operations and 8 bytes a nanosecond; 2 microseconds are worth a thread.
  const double nanoseconds = static_cast<double>(flops) / 50.0 + static_cast<double>(bytes) / 8.0;
  const auto worth = static_cast<std::int64_t>(std::min(nanoseconds / 2000.0, 1024.0));
  return static_cast<int>(std::max<std::int64_t>(1, std::min(worth, items)));
}

bool Lowering::takes_apart(DType dtype, std::int64_t rows, std::int64_t depth, std::int64_t columns) const {
  return dtype == DType::f32 && kernels::prefers_parts(bf16_isa(), rows, depth, columns);
}

std::int64_t flops_cost(std::int64_t flops, DType dtype) { return dtype == DType::bf16 ? flops / 8 : flops; }

void unsupported(const ir::Node& node, const std::string& reason) {
  std::string types;
  for (const ir::Value* value : node.inputs()) {
    if (value == nullptr) continue;
    types += types.empty() ? "" : ", ";
    types += fmt::format("{}{}", name_of(value->type().dtype), to_string(value->type().sizes));
  }
  const std::string where = ir::to_string(node.source());
  throw Unsupported(fmt::format("{}({}){}: {}", node.op(), types, where.empty() ? "" : " at " + where, reason),
                    {{fmt::format("{}({})", node.op(), types), where}});
}

DType product_dtype(const ir::Node& node) {
  return node.has("dtype") ? node.dtype("dtype") : node.input(0)->type().dtype;
}

void require_product_dtypes(const ir::Node& node) {
  const auto dtype = [&](std::size_t i) { return node.input(i)->type().dtype; };
  const auto refuse = [&](DType found) {
    unsupported(node, fmt::format("{} arithmetic; wherry multiplies float32 and bfloat16", name_of(found)));
  };
  if (dtype(0) != DType::f32 && dtype(0) != DType::bf16) refuse(dtype(0));
  const bool packed = node.input(1)->is_constant() && dtype(1) == DType::f32;
  if (dtype(1) != dtype(0) && !packed) refuse(dtype(1));
  if (node.input(2) != nullptr && dtype(2) != DType::f32) refuse(dtype(2));
}

void require_f32(const ir::Node& node) {
  const auto check = [&](const ir::Value* value) {
    if (value != nullptr && value->type().dtype != DType::f32)
      unsupported(node, fmt::format("{} arithmetic; wherry computes this op in float32", name_of(value->type().dtype)));
  };
  for (const ir::Value* value : node.inputs()) check(value);
  check(node.output());
}

}  // namespace wherry::runtime
