#pragma once
// Records what the interpreted program does to tensors: ops become nodes of the graph, views and in-place writes become
// ops on immutable values, and arithmetic on a few known numbers is done at once, since the program goes on with it.

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "import/torchscript/traced_tensor.h"
#include "ir/graph.h"
#include "ir/ops.h"
#include "wherry/error.h"

namespace wherry::import::torchscript {

/// A call whose arguments have found their places in a schema.
struct BoundCall {
  const ir::Schema* schema = nullptr;
  std::vector<TracedTensor*> tensors;  ///< in the schema's order, null where absent; a list's stand at the end
  ir::Attributes attributes;           ///< complete
};

class Tracer {
 public:
  /// `locate` gives the place in the model's code that is running now.
  Tracer(ir::Graph& graph, std::function<ir::Source()> locate);
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// A tensor with memory of its own.
  TracedTensor* fresh(ir::Value* value);
  /// The module attribute `name`, whose memory outlives a call: writing to it is refused.
  TracedTensor* attribute(const tensor::LazyTensorPtr& tensor, const std::string& name);
  TracedTensor* constant(Tensor tensor);
  /// The result of something that cannot be represented.
  TracedTensor* unknown();

  /// Performs the call. The result has as many tensors as the op has results. What wherry lacks is reported, and its
  /// results are unknown. Throws InvalidInput where the shapes do not fit.
  std::vector<TracedTensor*> call(const BoundCall& bound);

  bool is_unknown(const TracedTensor& tensor) const;
  /// The current contents; null where unknown. Reports a tensor that an in-place write may or may not have changed.
  ir::Value* read(TracedTensor& tensor);
  /// The contents where they depend on no input; empty otherwise.
  std::optional<Tensor> known_contents(TracedTensor& tensor);
  /// Forgets the contents of a tensor that an op which wherry lacks writes to.
  void forget(TracedTensor& tensor);

  /// Notes that the model needs something wherry lacks. The program goes on with unknown tensors, to find the rest.
  void report(std::string_view what);
  bool complete() const { return missing_.empty(); }
  const std::vector<Unsupported::Item>& missing() const { return missing_; }

  ir::Graph& graph() { return graph_; }

 private:
  std::optional<std::vector<ir::Value*>> record(const std::string& op, std::vector<ir::Value*> inputs,
                                                ir::Attributes attributes);
  ir::Value* record_one(const std::string& op, std::vector<ir::Value*> inputs, ir::Attributes attributes);
  std::optional<std::vector<ir::Value*>> compute_now(const std::string& op, const std::vector<ir::Value*>& inputs,
                                                     const ir::Attributes& attributes);
  void keep_contents(const ir::Value* value, Tensor contents);
  ir::Value* read(TensorView& view);
  ir::Value* resized(ir::Value* value, const Dims& sizes);
  ir::Value* cast(ir::Value* value, DType dtype);

  std::vector<TracedTensor*> call_in_place(const BoundCall& bound);
  std::optional<std::vector<TracedTensor*>> call_view(const BoundCall& bound);
  std::optional<std::vector<TracedTensor*>> call_creation(const BoundCall& bound);
  std::optional<TracedTensor*> same_tensor(const BoundCall& bound);
  std::vector<TracedTensor*> split_view(const BoundCall& bound, const std::vector<ir::Value*>& values);
  void write(TracedTensor& tensor, ir::Value* value);
  ir::Value* scatter(TensorView& view, ir::Value* value);

  TensorView* new_view(TensorView* base, ir::Value* value, std::string op, ir::Attributes attributes);
  TracedTensor* new_tensor(TensorView* view);
  TracedTensor* may_share(TensorView* base, ir::Value* value);

  ir::Graph& graph_;
  std::function<ir::Source()> locate_;
  std::size_t nodes_ = 0;
  std::deque<AliasSet> memories_;
  std::deque<TensorView> views_;
  std::deque<TracedTensor> tensors_;
  std::unordered_map<const ir::Value*, Tensor> contents_;
  std::int64_t contents_elements_ = 0;
  std::vector<Unsupported::Item> missing_;
};

}  // namespace wherry::import::torchscript
