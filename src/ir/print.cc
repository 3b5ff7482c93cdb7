// The text form of a graph, one node a line. ops.h describes it; parse.cc reads it back.

#include <algorithm>
#include <cctype>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "ir/ops.h"
#include "ir/text.h"
#include "tensor/elements.h"

namespace wherry::ir {
namespace {

/// Constants up to here show their values.
constexpr std::int64_t kShownElements = 8;

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "\"";
}

/// A floating number that reads back as one: never without point, exponent or letters.
std::string print_double(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".einf") == std::string::npos) text += ".0";
  return text;
}

template <typename List, typename Print>
std::string print_list(const List& list, Print print) {
  std::string text = "[";
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i) text += ", ";
    text += print(list[i]);
  }
  return text + "]";
}

struct AttributePrinter {
  std::string operator()(std::monostate) const { return "none"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return print_double(value); }
  std::string operator()(const std::string& value) const { return in_quotes(value); }
  std::string operator()(const Dims& value) const { return wherry::to_string(value); }
  std::string operator()(const std::vector<double>& value) const { return "float" + print_list(value, print_double); }
  std::string operator()(const std::vector<bool>& value) const {
    return "bool" + print_list(value, [](bool item) { return std::string(item ? "true" : "false"); });
  }
  std::string operator()(DType value) const { return std::string(name_of(value)); }
  std::string operator()(const expression::Program& value) const { return fmt::format("`{}`", value.to_string()); }
};

std::string print_element(const Tensor& tensor, std::int64_t i) {
  if (!is_floating(tensor.dtype())) return fmt::format("{}", tensor::load_int(tensor.data(), tensor.dtype(), i));
  const double value = tensor::load_double(tensor.data(), tensor.dtype(), i);
  return tensor.dtype() == DType::f64 ? fmt::format("{}", value) : fmt::format("{}", static_cast<float>(value));
}

std::string describe(const tensor::LazyTensor& constant) {
  if (const auto recipe = text::recipe_of_key(constant.key())) return *recipe;
  if (element_count(constant.sizes()) > kShownElements) return in_quotes(constant.key());
  const Tensor tensor = constant.get();
  std::string values = "[";
  for (std::int64_t i = 0; i < tensor.numel(); ++i) values += (i ? ", " : "") + print_element(tensor, i);
  return values + "]";
}

/// Every value gets a name that no other has: its own, as far as the text form allows, else a number.
class Names {
 public:
  std::string define(const Value* value) {
    std::string name;
    for (const char c : value->name()) name += text::is_name_character(c) ? c : '_';
    const bool number = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
    if (name.empty())
      name = fmt::format("{}", next_++);
    else if (number)
      name = "_" + name;
    std::string unique = name;
    for (int i = 1; !taken_.insert(unique).second; ++i) unique = fmt::format("{}_{}", name, i);
    names_[value] = unique;
    return "%" + unique;
  }

  std::string use(const Value* value) const {
    if (!value) return "none";
    const auto found = names_.find(value);
    return found == names_.end() ? "%<undefined>" : "%" + found->second;
  }

 private:
  std::unordered_map<const Value*, std::string> names_;
  std::unordered_set<std::string> taken_;
  int next_ = 0;
};

std::string print_node(const Node& node, Names& names) {
  std::string inputs, outputs, attributes;
  for (const Value* input : node.inputs()) inputs += (inputs.empty() ? "" : ", ") + names.use(input);
  for (const Value* output : node.outputs())
    outputs += (outputs.empty() ? "" : ", ") + names.define(output) + ": " + to_string(output->type());
  for (const auto& [name, value] : node.attributes())
    attributes += " " + name + "=" + std::visit(AttributePrinter{}, value);
  std::string line = fmt::format("  {} = {}({}){}", outputs, node.op(), inputs, attributes);
  std::string source = to_string(node.source());
  std::replace(source.begin(), source.end(), '\n', ' ');
  if (!source.empty()) line += "  # " + source;
  return line + "\n";
}

}  // namespace

std::string print(const Graph& graph) {
  Names names;
  std::string text = "graph(";
  for (const Value* input : graph.inputs())
    text += (input == graph.inputs().front() ? "" : ", ") + names.define(input) + ": " + to_string(input->type());
  text += ") {\n";
  for (const Value* constant : graph.constants())
    text += fmt::format("  {} = constant {} {}\n", names.define(constant), to_string(constant->type()),
                        describe(*constant->constant()));
  for (const Node* node : graph.nodes()) text += print_node(*node, names);
  text += "  return";
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const std::string& name = graph.output_names()[i];
    const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), text::is_name_character);
    text += fmt::format("{} {} as {}", i ? "," : "", names.use(graph.outputs()[i]), bare ? name : in_quotes(name));
  }
  return text + "\n}\n";
}

}  // namespace wherry::ir
