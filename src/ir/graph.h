#pragma once
// The graph of a model for one set of input shapes: values in SSA form, nodes in execution order. Shapes are plain
// numbers. Importers record ATen ops ("aten::conv2d"), the passes turn them into the core set ("convolution").

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "expression/program.h"
#include "tensor/lazy_tensor.h"
#include "wherry/tensor.h"

namespace wherry::ir {

/// What is known of a value. `strides` (elements) are empty until the layout pass decides them.
struct TensorType {
  DType dtype = DType::f32;
  Dims sizes;
  Dims strides;

  std::int64_t numel() const { return element_count(sizes); }
  bool operator==(const TensorType&) const = default;
};

/// "float32[1, 3, 224, 224]", with "{150528, 1, 672, 3}" appended where strides are set.
std::string to_string(const TensorType& type);

/// An attribute: every argument of an op that is not a tensor. None is monostate.
using Attribute = std::variant<std::monostate, bool, std::int64_t, double, std::string, Dims, std::vector<double>,
                               std::vector<bool>, DType, expression::Program>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// A function of the model's own code, at the line where it called the next one or recorded the node.
struct Frame {
  std::string function;  ///< "forward"
  std::string file;
  int line = 0;
  std::string module;       ///< whose method it is (or of the nearest caller that is a method)
  std::string module_type;  ///< that module's class: "Bottleneck"
  std::shared_ptr<const Frame> caller;
};

/// Where in the model's own code a node comes from.
struct Source {
  std::string module;  ///< path in the module tree: "layer1.0.conv1"; empty for the model itself
  std::string file;    ///< "torchvision/models/resnet.py"
  int line = 0;
  std::string module_type = {};             ///< the module's class: "Conv2d"; empty where the file does not say
  std::shared_ptr<const Frame> calls = {};  ///< innermost first; null where the file has no code
  std::string op = {};                      ///< of a core op: the ATen op it was lowered from
  std::vector<Source> fused = {};  ///< other ATen ops that the node does too; they have no `fused` of their own

  /// Notes that the node does `other`'s work too.
  void absorb(const Source& other);
};
std::string to_string(const Source& source);

class Node;

class Value {
 public:
  int id() const { return id_; }
  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  TensorType& type() { return type_; }
  const TensorType& type() const { return type_; }
  /// The node that makes this value; null for graph inputs and constants.
  Node* producer() const { return producer_; }
  /// Set for constants only.
  const tensor::LazyTensorPtr& constant() const { return constant_; }
  bool is_constant() const { return constant_ != nullptr; }
  /// One entry per use, so a node that reads the value twice stands here twice. Graph outputs do not count.
  const std::vector<Node*>& users() const { return users_; }

 private:
  friend class Graph;
  friend class Node;
  int id_ = 0;
  std::string name_;
  TensorType type_;
  Node* producer_ = nullptr;
  tensor::LazyTensorPtr constant_;
  std::vector<Node*> users_;
};

class Node {
 public:
  const std::string& op() const { return op_; }
  /// Tensor arguments in the schema's order. An absent optional tensor is null (trailing ones may be left out); a list
  /// of tensors stands where the schema has it, and is the op's last tensor argument.
  const std::vector<Value*>& inputs() const { return inputs_; }
  /// The i-th input, null where absent or beyond the end.
  Value* input(std::size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  void set_input(std::size_t i, Value* value);
  void add_input(Value* value);
  /// Drops every input from position `count` on.
  void truncate_inputs(std::size_t count);

  const std::vector<Value*>& outputs() const { return outputs_; }
  Value* output(std::size_t i = 0) const { return outputs_[i]; }

  Attributes& attributes() { return attributes_; }
  const Attributes& attributes() const { return attributes_; }
  bool has(std::string_view name) const;  ///< present and not None
  /// Typed access; throws InternalError naming op and attribute where it is missing or of another type.
  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;  ///< integers convert
  const std::string& text(std::string_view name) const;
  const Dims& integers(std::string_view name) const;
  DType dtype(std::string_view name) const;
  const expression::Program& program(std::string_view name) const;
  void set(std::string name, Attribute value) { attributes_[std::move(name)] = std::move(value); }

  Source& source() { return source_; }
  const Source& source() const { return source_; }

 private:
  friend class Graph;
  std::string op_;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
  Attributes attributes_;
  Source source_;
};

/// Owns its values and nodes; their addresses stay valid until they are erased.
class Graph {
 public:
  Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  ~Graph();

  Value* add_input(std::string name, TensorType type);
  /// The value for this constant; the same Value for the same key.
  Value* add_constant(tensor::LazyTensorPtr constant, std::string name = {});
  Value* add_constant(Tensor tensor, std::string name = {});

  /// Appends a node, or inserts it before `before`. Output types are the caller's word; verify() checks them.
  Node* add_node(std::string op, std::vector<Value*> inputs, Attributes attributes, std::vector<TensorType> outputs,
                 Source source = {}, Node* before = nullptr);

  /// Makes every reader of `from` (nodes and graph outputs) read `to`.
  void replace_uses(Value* from, Value* to);
  /// Removes a node whose outputs nobody reads.
  void erase(Node* node);
  /// Removes nodes and constants that do not reach an output. Returns how many nodes went.
  std::size_t erase_dead();

  const std::vector<Value*>& inputs() const { return inputs_; }
  const std::vector<Value*>& outputs() const { return outputs_; }
  const std::vector<std::string>& output_names() const { return output_names_; }
  void add_output(Value* value, std::string name);
  void set_output(std::size_t i, Value* value);
  bool is_output(const Value* value) const;
  /// In which order outputs are handed over: row-major, or as the strides of their types say where somebody who knows
  /// these reads them (segments.h).
  bool outputs_keep_strides() const { return outputs_keep_strides_; }
  void set_outputs_keep_strides(bool keep) { outputs_keep_strides_ = keep; }

  /// Nodes in execution order: a snapshot, so the graph may be changed while walking it.
  std::vector<Node*> nodes() const;
  /// Constants in order of first appearance.
  std::vector<Value*> constants() const;
  std::size_t node_count() const;

 private:
  struct Storage;
  std::unique_ptr<Storage> storage_;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
  std::vector<std::string> output_names_;
  bool outputs_keep_strides_ = false;
};

}  // namespace wherry::ir
