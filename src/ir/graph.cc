// Ownership and use lists of the graph. Every edit keeps `users` exact, so a pass can trust them without recounting.

#include "ir/graph.h"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"

namespace wherry::ir {

std::string to_string(const TensorType& type) {
  std::string text(name_of(type.dtype));
  text += wherry::to_string(type.sizes);
  if (!type.strides.empty()) text += fmt::format("{{{}}}", fmt::join(type.strides, ", "));
  return text;
}

void Source::absorb(const Source& other) {
  const auto same = [](const Source& a, const Source& b) {
    return a.op == b.op && a.line == b.line && a.module == b.module && a.file == b.file;
  };
  const auto add = [&](const Source& one) {
    if (one.op.empty() || same(one, *this)) return;
    if (std::any_of(fused.begin(), fused.end(), [&](const Source& known) { return same(known, one); })) return;
    Source alone = one;
    alone.fused.clear();
    fused.push_back(std::move(alone));
  };
  // `other` may be an element of `fused`, which grows.
  const Source copy = other;
  // What `other` had absorbed came before it in the model, as a rule.
  for (const Source& each : copy.fused) add(each);
  add(copy);
}

std::string to_string(const Source& source) {
  if (source.file.empty()) return source.module;
  return fmt::format("{}:{}{}{}", source.file, source.line, source.module.empty() ? "" : " ", source.module);
}

namespace {

void drop_one_user(std::vector<Node*>& users, const Node* node) {
  const auto found = std::find(users.begin(), users.end(), node);
  WHERRY_CHECK(found != users.end());
  users.erase(found);
}

/// Two constants are one value where bytes (the key) and their reading (dtype, sizes) agree.
std::string constant_identity(const tensor::LazyTensor& constant) {
  std::string identity = constant.key();
  identity += '\n';
  identity += name_of(constant.dtype());
  identity += wherry::to_string(constant.sizes());
  return identity;
}

}  // namespace

void Node::set_input(std::size_t i, Value* value) {
  WHERRY_CHECK_LT(i, inputs_.size());
  if (inputs_[i]) drop_one_user(inputs_[i]->users_, this);
  inputs_[i] = value;
  if (value) value->users_.push_back(this);
}

void Node::add_input(Value* value) {
  inputs_.push_back(value);
  if (value) value->users_.push_back(this);
}

void Node::truncate_inputs(std::size_t count) {
  while (inputs_.size() > count) {
    if (inputs_.back()) drop_one_user(inputs_.back()->users_, this);
    inputs_.pop_back();
  }
}

namespace {

const Attribute& attribute(const Node& node, std::string_view name) {
  const auto found = node.attributes().find(name);
  if (found == node.attributes().end())
    base::fail<InternalError>("a bug in wherry: {} has no attribute \"{}\"", node.op(), name);
  return found->second;
}

template <typename T>
const T& typed(const Node& node, std::string_view name, std::string_view wanted) {
  const T* value = std::get_if<T>(&attribute(node, name));
  if (!value) base::fail<InternalError>("a bug in wherry: attribute \"{}\" of {} is no {}", name, node.op(), wanted);
  return *value;
}

}  // namespace

bool Node::has(std::string_view name) const {
  const auto found = attributes_.find(name);
  return found != attributes_.end() && !std::holds_alternative<std::monostate>(found->second);
}

bool Node::flag(std::string_view name) const { return typed<bool>(*this, name, "bool"); }
std::int64_t Node::integer(std::string_view name) const { return typed<std::int64_t>(*this, name, "integer"); }
const std::string& Node::text(std::string_view name) const { return typed<std::string>(*this, name, "text"); }
const Dims& Node::integers(std::string_view name) const { return typed<Dims>(*this, name, "list of integers"); }
DType Node::dtype(std::string_view name) const { return typed<DType>(*this, name, "dtype"); }
const expression::Program& Node::program(std::string_view name) const {
  return typed<expression::Program>(*this, name, "program");
}

double Node::number(std::string_view name) const {
  const Attribute& value = attribute(*this, name);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? 1.0 : 0.0;
  return typed<double>(*this, name, "number");
}

struct Graph::Storage {
  std::list<Node> order;
  std::unordered_map<const Node*, std::list<Node>::iterator> where;
  std::list<Value> values;  // addresses stay put
  std::unordered_map<const Value*, std::list<Value>::iterator> value_where;
  std::vector<Value*> constants;
  std::unordered_map<std::string, Value*> by_identity;
  int next_id = 0;

  Value* new_value() {
    values.emplace_back();
    Value* value = &values.back();
    value_where.emplace(value, std::prev(values.end()));
    return value;
  }
  void drop(Value* value) {
    const auto found = value_where.find(value);
    WHERRY_CHECK(found != value_where.end());
    values.erase(found->second);
    value_where.erase(found);
  }
};

Graph::Graph() : storage_(std::make_unique<Storage>()) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

Value* Graph::add_input(std::string name, TensorType type) {
  Value* value = storage_->new_value();
  value->id_ = storage_->next_id++;
  value->name_ = std::move(name);
  value->type_ = std::move(type);
  inputs_.push_back(value);
  return value;
}

Value* Graph::add_constant(tensor::LazyTensorPtr constant, std::string name) {
  WHERRY_CHECK(constant != nullptr);
  const auto [entry, fresh] = storage_->by_identity.try_emplace(constant_identity(*constant), nullptr);
  if (!fresh) return entry->second;
  Value* value = storage_->new_value();
  value->id_ = storage_->next_id++;
  value->name_ = std::move(name);
  value->type_ = {constant->dtype(), constant->sizes(), {}};
  value->constant_ = std::move(constant);
  storage_->constants.push_back(value);
  return entry->second = value;
}

Value* Graph::add_constant(Tensor tensor, std::string name) {
  return add_constant(tensor::LazyTensor::of(std::move(tensor)), std::move(name));
}

Node* Graph::add_node(std::string op, std::vector<Value*> inputs, Attributes attributes,
                      std::vector<TensorType> outputs, Source source, Node* before) {
  auto position = storage_->order.end();
  if (before) {
    const auto found = storage_->where.find(before);
    WHERRY_CHECK(found != storage_->where.end());
    position = found->second;
  }
  const auto inserted = storage_->order.emplace(position);
  Node* node = &*inserted;
  storage_->where.emplace(node, inserted);
  node->op_ = std::move(op);
  node->attributes_ = std::move(attributes);
  node->source_ = std::move(source);
  for (Value* input : inputs) node->add_input(input);
  for (TensorType& type : outputs) {
    Value* value = storage_->new_value();
    value->id_ = storage_->next_id++;
    value->type_ = std::move(type);
    value->producer_ = node;
    node->outputs_.push_back(value);
  }
  return node;
}

void Graph::replace_uses(Value* from, Value* to) {
  if (from == to) return;
  for (Node* user : from->users_) {
    for (Value*& input : user->inputs_) {
      if (input != from) continue;
      // A node stands in `users` once per use; each visit here moves one of them.
      input = to;
      to->users_.push_back(user);
      break;
    }
  }
  from->users_.clear();
  std::replace(outputs_.begin(), outputs_.end(), from, to);
}

void Graph::erase(Node* node) {
  for (const Value* output : node->outputs_) {
    WHERRY_CHECK(output->users_.empty());
    WHERRY_CHECK(!is_output(output));
  }
  node->truncate_inputs(0);
  for (Value* output : node->outputs_) storage_->drop(output);
  const auto found = storage_->where.find(node);
  WHERRY_CHECK(found != storage_->where.end());
  storage_->order.erase(found->second);
  storage_->where.erase(found);
}

std::size_t Graph::erase_dead() {
  std::unordered_set<const Value*> outputs(outputs_.begin(), outputs_.end());
  const auto unread = [&](const Value* value) { return value->users_.empty() && !outputs.contains(value); };
  // Readers stand after what they read, so one walk from the end sees every node after all its readers have gone.
  std::vector<Node*> all = nodes();
  std::size_t erased = 0;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (!std::all_of((*it)->outputs_.begin(), (*it)->outputs_.end(), unread)) continue;
    erase(*it);
    ++erased;
  }
  std::erase_if(storage_->constants, [&](Value* constant) {
    if (!unread(constant)) return false;
    storage_->by_identity.erase(constant_identity(*constant->constant_));
    storage_->drop(constant);
    return true;
  });
  return erased;
}

void Graph::add_output(Value* value, std::string name) {
  WHERRY_CHECK(value != nullptr);
  outputs_.push_back(value);
  output_names_.push_back(std::move(name));
}

void Graph::set_output(std::size_t i, Value* value) {
  WHERRY_CHECK_LT(i, outputs_.size());
  WHERRY_CHECK(value != nullptr);
  outputs_[i] = value;
}

bool Graph::is_output(const Value* value) const {
  return std::find(outputs_.begin(), outputs_.end(), value) != outputs_.end();
}

std::vector<Node*> Graph::nodes() const {
  std::vector<Node*> all;
  all.reserve(storage_->order.size());
  for (Node& node : storage_->order) all.push_back(&node);
  return all;
}

std::vector<Value*> Graph::constants() const { return storage_->constants; }

std::size_t Graph::node_count() const { return storage_->order.size(); }

}  // namespace wherry::ir
