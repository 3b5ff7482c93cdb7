// Two graphs of one model tell the batch apart from every other dimension: it is the one whose size differs. That alone
// proves nothing, so each op is asked in turn whether a slice of its result follows from the same slice of its inputs,
// and everything that may not depend on the batch (attributes, constants, memory order) is compared.

#include "ir/batch_slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace wherry::ir {
namespace {

/// Constants up to this size are compared by contents where their keys differ, larger ones are taken to differ.
constexpr std::int64_t kComparedBytes = std::int64_t{1} << 20;

/// Along which dimension of a value the elements of the batch follow each other, and how many indices one has there;
/// dim < 0 where the value is the same for all of them.
struct Batch {
  std::int64_t dim = -1;
  std::int64_t indices = 1;

  bool none() const { return dim < 0; }
  bool operator==(const Batch&) const = default;
};

std::int64_t rank_of(const Value& value) { return static_cast<std::int64_t>(value.type().sizes.size()); }
std::int64_t at(const Dims& dims, std::int64_t i) { return dims[static_cast<std::size_t>(i)]; }

/// Whether every element of the batch reads the same in both constants.
bool same_contents(const Value& whole, const Value& slice, const Batch& batch) {
  const tensor::LazyTensor& a = *whole.constant();
  const tensor::LazyTensor& b = *slice.constant();
  const auto element = static_cast<std::int64_t>(size_of(a.dtype()));
  if (batch.none() && a.key() == b.key()) return true;
  if (whole.type().numel() * element > kComparedBytes) return false;
  const Tensor all = a.get();
  const Tensor some = b.get();
  std::int64_t rows = 1;
  std::int64_t bytes = element * batch.indices;
  for (std::int64_t d = 0; d < rank_of(whole); ++d) {
    if (d < batch.dim) rows *= at(a.sizes(), d);
    if (d > batch.dim) bytes *= at(a.sizes(), d);
  }
  const auto* reference = static_cast<const std::byte*>(all.data());
  const auto repeats = [&](const Tensor& tensor) {
    const auto* data = static_cast<const std::byte*>(tensor.data());
    const std::int64_t count = tensor.numel() * element / bytes / rows;
    const std::int64_t stride = all.numel() * element / rows;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t i = 0; i < count; ++i, data += bytes) {
        if (std::memcmp(data, reference + row * stride, static_cast<std::size_t>(bytes)) != 0) return false;
      }
    }
    return true;
  };
  return repeats(all) && repeats(some);
}

class Comparison {
 public:
  Comparison(const Graph& whole, const Graph& slice) : whole_(whole), slice_(slice) {}

  std::optional<std::string> obstacle() {
    if (const char* reason = compare_inputs()) return reason;
    const std::vector<Node*> nodes = whole_.nodes();
    const std::vector<Node*> counterparts = slice_.nodes();
    if (nodes.size() != counterparts.size()) return "other operations for another batch";
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const char* reason = compare(*nodes[i], *counterparts[i]);
      if (reason == nullptr) reason = rule(*nodes[i]);
      if (reason == nullptr) continue;
      const std::string where = to_string(nodes[i]->source());
      return fmt::format("{}{}: {}", nodes[i]->op(), where.empty() ? "" : " at " + where, reason);
    }
    return compare_outputs();
  }

 private:
  const char* compare_inputs() {
    if (whole_.inputs().empty() || whole_.inputs().size() != slice_.inputs().size()) return "no inputs to slice";
    for (const auto& [graph, size] : {std::pair{&whole_, &whole_size_}, std::pair{&slice_, &slice_size_}}) {
      for (const Value* input : graph->inputs()) {
        if (input->type().sizes.empty()) return "an input without dimensions";
        if (input == graph->inputs()[0]) *size = input->type().sizes[0];
        if (input->type().sizes[0] != *size || *size < 1) return "inputs that are not all as many";
      }
    }
    if (slice_size_ >= whole_size_) return "a slice as large as the batch";
    for (std::size_t i = 0; i < whole_.inputs().size(); ++i) {
      const Value* input = whole_.inputs()[i];
      if (!match(*input, *slice_.inputs()[i]) || batches_.at(input) != Batch{0, 1})
        return "inputs whose other sizes differ";
    }
    return nullptr;
  }

  std::optional<std::string> compare_outputs() {
    if (whole_.outputs().size() != slice_.outputs().size()) return "other outputs for another batch";
    for (std::size_t i = 0; i < whole_.outputs().size(); ++i) {
      const Value* output = whole_.outputs()[i];
      if (output->is_constant()) return "a constant is an output";
      if (counterparts_.at(output) != slice_.outputs()[i]) return "other outputs for another batch";
      if (batches_.at(output).dim != 0)
        return fmt::format("output \"{}\" does not have the batch as its first dimension", whole_.output_names()[i]);
    }
    return std::nullopt;
  }

  /// Notes that the two are each other's counterpart, where their types say that they can be.
  bool match(const Value& whole, const Value& slice) {
    const TensorType& a = whole.type();
    const TensorType& b = slice.type();
    if (a.dtype != b.dtype || a.sizes.size() != b.sizes.size() || a.strides.size() != a.sizes.size() ||
        b.strides.size() != b.sizes.size() || a.numel() == 0)
      return false;
    Batch batch;
    for (std::size_t d = 0; d < a.sizes.size(); ++d) {
      // The stride of a dimension of one index means nothing.
      if (a.strides[d] < 0 || (b.sizes[d] > 1 && a.strides[d] != b.strides[d])) return false;
      if (a.sizes[d] == b.sizes[d]) continue;
      batch = {static_cast<std::int64_t>(d), a.sizes[d] / whole_size_};
      if (a.sizes[d] != whole_size_ * batch.indices || b.sizes[d] != slice_size_ * batch.indices) return false;
      for (std::size_t later = d + 1; later < a.sizes.size(); ++later)
        if (a.sizes[later] != b.sizes[later]) return false;
    }
    batches_[&whole] = batch;
    counterparts_[&whole] = &slice;
    return true;
  }

  const char* compare(const Node& whole, const Node& slice) {
    if (whole.op() != slice.op() || whole.inputs().size() != slice.inputs().size() || whole.outputs().size() != 1 ||
        slice.outputs().size() != 1)
      return "another operation for another batch";
    if (whole.attributes() != slice.attributes()) return "what it does depends on the size of the batch";
    for (std::size_t i = 0; i < whole.inputs().size(); ++i) {
      const Value* a = whole.input(i);
      const Value* b = slice.input(i);
      if (a == nullptr && b == nullptr) continue;
      if (a == nullptr || b == nullptr || a->is_constant() != b->is_constant())
        return "another operand for another batch";
      // Constants are matched where they are used: in what order a pass made them may differ.
      if (a->is_constant() && !counterparts_.contains(a) && !(match(*a, *b) && same_contents(*a, *b, of(a))))
        return "a constant depends on the size of the batch";
      if (counterparts_.at(a) != b) return "another operand for another batch";
    }
    return match(*whole.output(), *slice.output()) ? nullptr
                                                   : "its result's type does not follow from the size of the batch";
  }

  /// Why a slice of the node's result does not follow from the same slice of its inputs; null where it does.
  const char* rule(const Node& node) const {
    const Batch& y = of(node.output());
    const bool any = std::any_of(node.inputs().begin(), node.inputs().end(),
                                 [&](const Value* value) { return value != nullptr && !of(value).none(); });
    if (!any && y.none()) return nullptr;
    if (y.none()) return "mixes the elements of the batch";
    using Rule = const char* (Comparison::*)(const Node&, const Batch&) const;
    static constexpr std::array<std::pair<std::string_view, Rule>, 15> kRules = {{
        {"view", &Comparison::view},
        {"copy", &Comparison::broadcasts},
        {"elementwise", &Comparison::broadcasts},
        {"convolution", &Comparison::convolution},
        {"matmul", &Comparison::matmul},
        {"attention", &Comparison::attention},
        {"layer_norm", &Comparison::layer_norm},
        {"group_norm", &Comparison::images},
        {"pool", &Comparison::images},
        {"adaptive_pool", &Comparison::images},
        {"softmax", &Comparison::softmax},
        {"reduce", &Comparison::reduce},
        {"gather", &Comparison::gather},
        {"concat", &Comparison::concat},
        {"pad", &Comparison::pad},
    }};
    for (const auto& [op, check] : kRules)
      if (op == node.op()) return (this->*check)(node, y);
    return "not known to keep the elements of a batch apart";
  }

  const Batch& of(const Value* value) const { return batches_.at(value); }
  bool same_for_all(const Value* value) const { return value == nullptr || of(value).none(); }

  /// Whether an operand aligned from the right with `result` gives every element of the batch its own, or all the same.
  bool follows(const Value* operand, const Value& result) const {
    if (operand == nullptr) return true;
    const Batch& y = of(&result);
    const std::int64_t dim = y.dim - (rank_of(result) - rank_of(*operand));
    if (same_for_all(operand)) return dim < 0 || at(operand->type().sizes, dim) == 1;
    return of(operand) == Batch{dim, y.indices};
  }

  /// The same for all from position `first` on.
  const char* operands(const Node& node, std::size_t first) const {
    for (std::size_t i = first; i < node.inputs().size(); ++i)
      if (!follows(node.input(i), *node.output())) return "an operand lies across the batch";
    return nullptr;
  }

  const char* broadcasts(const Node& node, const Batch&) const { return operands(node, 0); }

  /// A view reads bytes, so it is followed in memory: of both values, what belongs to one element of the batch must lie
  /// between two multiples of the same distance.
  const char* view(const Node& node, const Batch& y) const {
    const TensorType& to = node.output()->type();
    if (same_for_all(node.input(0))) return at(to.strides, y.dim) == 0 ? nullptr : "takes the batch out of one value";
    const Batch& x = of(node.input(0));
    const TensorType& from = node.input(0)->type();
    const std::int64_t distance = at(from.strides, x.dim) * x.indices;
    const auto reach = [](const TensorType& type, const Batch& batch) {
      std::int64_t last = 0;
      for (std::int64_t d = 0; d < static_cast<std::int64_t>(type.sizes.size()); ++d)
        last += ((d == batch.dim ? batch.indices : at(type.sizes, d)) - 1) * at(type.strides, d);
      return last;
    };
    const std::int64_t offset = node.integer("offset");
    const bool apart = at(to.strides, y.dim) * y.indices == distance && offset >= 0 && reach(from, x) < distance &&
                       offset + reach(to, y) < distance;
    return apart ? nullptr : "the batch is not outermost in memory";
  }

  const char* convolution(const Node& node, const Batch& y) const {
    if (y != Batch{0, y.indices} || of(node.input(0)) != y) return "the batch is not its first dimension";
    if (!same_for_all(node.input(1)) || !same_for_all(node.input(2))) return "its weights depend on the batch";
    return operands(node, 3);
  }

  const char* matmul(const Node& node, const Batch& y) const {
    const Value& result = *node.output();
    const std::int64_t rows = rank_of(result) - 2;
    if (y.dim > rows) return "the batch is in its columns";
    if (!follows(node.input(0), result)) return "its left operand lies across the batch";
    if (y.dim == rows ? !same_for_all(node.input(1)) : !follows(node.input(1), result))
      return "its right operand lies across the batch";
    if (!same_for_all(node.input(2))) return "its bias depends on the batch";
    return operands(node, 3);
  }

  const char* attention(const Node& node, const Batch& y) const {
    if (y.dim >= rank_of(*node.output()) - 2) return "runs over the batch";
    return operands(node, 0);
  }

  const char* images(const Node& node, const Batch& y) const {
    if (y.dim != 0 || of(node.input(0)) != y) return "the batch is not its first dimension";
    return same_for_all(node.input(1)) && same_for_all(node.input(2)) ? nullptr : "its weights depend on the batch";
  }

  const char* layer_norm(const Node& node, const Batch& y) const {
    if (of(node.input(0)) != y || y.dim >= rank_of(*node.output()) - node.integer("dims")) return "runs over the batch";
    return same_for_all(node.input(1)) && same_for_all(node.input(2)) ? nullptr : "its weights depend on the batch";
  }

  const char* softmax(const Node& node, const Batch& y) const {
    return of(node.input(0)) == y && y.dim != node.integer("dim") ? nullptr : "runs over the batch";
  }

  const char* reduce(const Node& node, const Batch& y) const {
    const Batch& x = of(node.input(0));
    std::int64_t before = 0;
    for (const std::int64_t dim : node.integers("dims")) {
      if (dim == x.dim) return "runs over the batch";
      if (dim < x.dim && !node.flag("keepdim")) ++before;
    }
    return y == Batch{x.dim - before, x.indices} ? nullptr : "mixes the elements of the batch";
  }

  const char* gather(const Node& node, const Batch& y) const {
    const Value* table = node.input(0);
    const Value* indices = node.input(1);
    const std::int64_t dim = node.integer("dim");
    if (same_for_all(table)) {
      const Batch& i = of(indices);
      return y == Batch{dim + i.dim, i.indices} ? nullptr : "mixes the elements of the batch";
    }
    const Batch& t = of(table);
    if (!same_for_all(indices) || t.dim == dim) return "picks among the elements of the batch";
    const std::int64_t shift = t.dim > dim ? rank_of(*indices) - 1 : 0;
    return y == Batch{t.dim + shift, t.indices} ? nullptr : "mixes the elements of the batch";
  }

  const char* concat(const Node& node, const Batch& y) const {
    if (node.integer("dim") == y.dim) return "joins along the batch";
    for (const Value* value : node.inputs())
      if (value == nullptr || of(value) != y) return "an operand lies across the batch";
    return nullptr;
  }

  const char* pad(const Node& node, const Batch& y) const {
    const Dims& pads = node.integers("pads");
    if (at(pads, 2 * y.dim) != 0 || at(pads, 2 * y.dim + 1) != 0) return "pads the batch";
    return of(node.input(0)) == y ? nullptr : "mixes the elements of the batch";
  }

  const Graph& whole_;
  const Graph& slice_;
  std::int64_t whole_size_ = 0;
  std::int64_t slice_size_ = 0;
  std::unordered_map<const Value*, Batch> batches_;              // of the whole graph's values
  std::unordered_map<const Value*, const Value*> counterparts_;  // theirs in the slice
};

}  // namespace

std::optional<std::string> obstacle_to_slices(const Graph& whole, const Graph& slice) {
  return Comparison(whole, slice).obstacle();
}

}  // namespace wherry::ir
