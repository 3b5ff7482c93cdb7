#pragma once
// What every rule writes its replacement with: one method for each core op, types inferred, trivial cases left out.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "expression/program.h"
#include "ir/graph.h"

namespace wherry::passes {

/// A tensor operand or a plain number of an elementwise operation.
struct Operand {
  Operand(ir::Value* v) : value(v) {}                                         // NOLINT: implicit on purpose
  Operand(double n, bool is_float = true) : number(n), floating(is_float) {}  // NOLINT
  ir::Value* value = nullptr;
  double number = 0;
  bool floating = true;  ///< of a number: whether it forces floating arithmetic
};

/// The arithmetic that PyTorch would do on these operands: floating if any is, double if a non-scalar operand or the
/// result is.
expression::Compute compute_for(DType result, std::span<const Operand> operands);

/// Right-aligned broadcasting. The shapes are known to fit.
Dims broadcast(const Dims& a, const Dims& b);

/// `dim` counted from the front. Throws InvalidModel beyond the rank (rank 0 counts as 1).
std::int64_t wrap(std::int64_t dim, std::size_t rank);

class CoreBuilder {
 public:
  using Emit = std::function<std::uint8_t(expression::Builder&, std::span<const std::uint8_t>)>;

  /// New nodes stand before `at` (null: at the end) and carry `source`, which is kept, or must outlive the builder:
  /// rules look at many nodes, and few of them make new ones.
  CoreBuilder(ir::Graph& graph, ir::Node* at, ir::Source&& source)
      : graph_(graph), at_(at), own_(std::move(source)), source_(own_) {}
  CoreBuilder(ir::Graph& graph, ir::Node* at, const ir::Source& source) : graph_(graph), at_(at), source_(source) {}
  CoreBuilder(const CoreBuilder&) = delete;
  CoreBuilder& operator=(const CoreBuilder&) = delete;

  ir::Graph& graph() { return graph_; }

  ir::Value* reshape(ir::Value* x, Dims sizes);
  ir::Value* permute(ir::Value* x, Dims dims);
  ir::Value* transpose(ir::Value* x, std::int64_t a, std::int64_t b);
  ir::Value* slice(ir::Value* x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step = 1);
  ir::Value* expand(ir::Value* x, Dims sizes);
  ir::Value* unsqueeze(ir::Value* x, std::int64_t dim);
  /// Drops one dimension of size 1.
  ir::Value* squeeze(ir::Value* x, std::int64_t dim);
  /// slice of one index with the dimension dropped.
  ir::Value* select(ir::Value* x, std::int64_t dim, std::int64_t index);
  ir::Value* concat(std::vector<ir::Value*> xs, std::int64_t dim);
  ir::Value* pad(ir::Value* x, Dims pads, double value);
  ir::Value* reduce(ir::Value* x, std::string mode, Dims dims, bool keepdim);
  ir::Value* softmax(ir::Value* x, std::int64_t dim, bool log = false);
  ir::Value* matmul(ir::Value* a, ir::Value* b, ir::Value* bias = nullptr);
  /// `mask` may be null.
  /// What an expanded value repeats: that need not be stored, and a row of keys that all queries share is looked at
  /// once.
  static ir::Value* unexpanded(ir::Value* x);
  /// A mask of addends as `attention` takes it: fp32, its last dimension all keys.
  ir::Value* key_mask(ir::Value* addends, std::int64_t keys);
  ir::Value* attention(ir::Value* q, ir::Value* k, ir::Value* v, ir::Value* mask, double scale, bool causal,
                       bool zero_hidden);
  ir::Value* gather(ir::Value* table, ir::Value* indices, std::int64_t dim);
  /// x[N, C, H, W] → [N, C, height, width]; mode "avg" or "max".
  ir::Value* adaptive_pool(ir::Value* x, std::string mode, std::int64_t height, std::int64_t width);
  ir::Value* cast(ir::Value* x, DType dtype);

  /// One elementwise node over `operands` broadcast together; numbers become immediates of the program.
  ir::Value* apply(std::vector<Operand> operands, DType result, const Emit& emit);
  ir::Value* unary(expression::Opcode opcode, ir::Value* x, std::optional<DType> result = {});
  ir::Value* binary(expression::Opcode opcode, Operand a, Operand b, DType result);
  /// An elementwise node of a finished program.
  ir::Value* elementwise(expression::Program program, std::vector<ir::Value*> operands, ir::TensorType type);

  /// A tensor of rank 0.
  ir::Value* constant(double value, DType dtype);
  /// `value` in every element, without storing them.
  ir::Value* full(Dims sizes, double value, DType dtype);

  ir::Value* record(std::string op, std::vector<ir::Value*> inputs, ir::Attributes attributes);

 protected:
  ir::Graph& graph_;
  ir::Node* at_;

 private:
  ir::Source own_;
  const ir::Source& source_;
};

}  // namespace wherry::passes
