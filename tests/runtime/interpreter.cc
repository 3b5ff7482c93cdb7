// One function an op. Values are doubles behind sizes, strides and an offset, so a view is what core_ops.h says it is.

#include "interpreter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>

#include "tensor/elements.h"

namespace wherry::runtime {
namespace {

struct Array {
  std::shared_ptr<std::vector<double>> memory;
  std::int64_t offset = 0;
  DType dtype = DType::f32;
  Dims sizes;
  Dims strides;

  double& at(const Dims& index) const {
    std::int64_t where = offset;
    for (std::size_t i = 0; i < index.size(); ++i) where += index[i] * strides[i];
    return memory->at(static_cast<std::size_t>(where));
  }
};

/// Calls f for every index, in row-major order.
template <typename F>
void each_index(const Dims& sizes, F&& f) {
  Dims index(sizes.size(), 0);
  const std::int64_t count = element_count(sizes);
  for (std::int64_t i = 0; i < count; ++i) {
    f(static_cast<const Dims&>(index));
    for (std::size_t d = sizes.size(); d-- > 0;) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
}

Array new_array(const ir::TensorType& type) {
  Array array{nullptr, 0, type.dtype, type.sizes, type.strides};
  if (array.strides.size() != array.sizes.size()) array.strides = contiguous_strides(array.sizes);
  std::int64_t last = 0;
  for (std::size_t i = 0; i < array.sizes.size(); ++i)
    last += std::max<std::int64_t>(array.sizes[i] - 1, 0) * array.strides[i];
  array.memory = std::make_shared<std::vector<double>>(static_cast<std::size_t>(last + 1), 0.0);
  return array;
}

Array from_tensor(const Tensor& tensor, const ir::TensorType& type) {
  Array array = new_array(type);
  const Tensor dense = tensor.contiguous();
  std::int64_t i = 0;
  each_index(array.sizes,
             [&](const Dims& index) { array.at(index) = tensor::load_double(dense.data(), dense.dtype(), i++); });
  return array;
}

Tensor to_tensor(const Array& array) {
  Tensor result = Tensor::empty(array.dtype, array.sizes);
  std::int64_t i = 0;
  each_index(array.sizes, [&](const Dims& index) {
    tensor::store_double(result.mutable_data(), array.dtype, i++, array.at(index));
  });
  return result;
}

/// The value of an operand at an index of the result it is broadcast to.
double broadcast_at(const Array& operand, const Dims& index) {
  Dims own(operand.sizes.size());
  const std::size_t shift = index.size() - own.size();
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = operand.sizes[i] == 1 ? 0 : index[i + shift];
  return operand.at(own);
}

/// What a store into `dtype` keeps of a value.
double as_stored(double value, DType dtype) {
  std::byte bytes[8];
  tensor::store_double(bytes, dtype, 0, value);
  return tensor::load_double(bytes, dtype, 0);
}

double run_program(const expression::Program& program, const std::vector<double>& operands) {
  if (program.compute == expression::Compute::i64) {
    std::vector<std::int64_t> integers;
    for (const double value : operands) integers.push_back(static_cast<std::int64_t>(value));
    return static_cast<double>(expression::evaluate(program, integers));
  }
  return expression::evaluate(program, operands);
}

class Interpreter {
 public:
  explicit Interpreter(const ir::Node& node, std::vector<Array> inputs) : node_(node), inputs_(std::move(inputs)) {}

  Array run() {
    const std::string& op = node_.op();
    if (op == "view") return view();
    result_ = new_array(node_.output()->type());
    if (op == "reshape")
      reshape();
    else if (op == "permute")
      permute();
    else if (op == "slice")
      slice();
    else if (op == "copy" || op == "expand")
      fill([&](const Dims& index) { return broadcast_at(inputs_[0], index); });
    else if (op == "elementwise")
      elementwise();
    else if (op == "convolution")
      convolution();
    else if (op == "matmul")
      matmul();
    else if (op == "attention")
      attention();
    else if (op == "pool" || op == "adaptive_pool")
      pool();
    else if (op == "layer_norm" || op == "group_norm")
      normalise();
    else if (op == "softmax")
      softmax();
    else if (op == "reduce")
      reduce();
    else if (op == "gather")
      gather();
    else if (op == "concat")
      concat();
    else if (op == "pad")
      pad();
    else
      throw std::logic_error("the interpreter lacks " + op);
    return result_;
  }

 private:
  template <typename F>
  void fill(F&& f) {
    each_index(result_.sizes, [&](const Dims& index) { result_.at(index) = as_stored(f(index), result_.dtype); });
  }
  bool present(std::size_t i) const { return i < inputs_.size() && inputs_[i].memory != nullptr; }

  Array view() const {
    const ir::TensorType& type = node_.output()->type();
    return {inputs_[0].memory, inputs_[0].offset + node_.integer("offset"), type.dtype, type.sizes, type.strides};
  }
  void reshape() {
    std::vector<double> flat;
    each_index(inputs_[0].sizes, [&](const Dims& index) { flat.push_back(inputs_[0].at(index)); });
    std::size_t i = 0;
    fill([&](const Dims&) { return flat[i++]; });
  }
  void permute() {
    const Dims& dims = node_.integers("dims");
    fill([&](const Dims& index) {
      Dims from(index.size());
      for (std::size_t i = 0; i < index.size(); ++i) from[static_cast<std::size_t>(dims[i])] = index[i];
      return inputs_[0].at(from);
    });
  }
  void slice() {
    const auto dim = static_cast<std::size_t>(node_.integer("dim"));
    fill([&](Dims index) {
      index[dim] = node_.integer("start") + index[dim] * node_.integer("step");
      return inputs_[0].at(index);
    });
  }
  void elementwise() {
    const expression::Program& program = node_.program("program");
    fill([&](const Dims& index) {
      std::vector<double> operands;
      for (const Array& input : inputs_) operands.push_back(broadcast_at(input, index));
      return run_program(program, operands);
    });
  }
  double epilogue(double accumulator, std::size_t first_operand, const Dims& index) const {
    if (!node_.has("epilogue")) return accumulator;
    std::vector<double> operands{accumulator};
    for (std::size_t i = first_operand; i < inputs_.size(); ++i) operands.push_back(broadcast_at(inputs_[i], index));
    return run_program(node_.program("epilogue"), operands);
  }
  void convolution() {
    const Array& x = inputs_[0];
    const Array& w = inputs_[1];
    const Dims& stride = node_.integers("stride");
    const Dims& padding = node_.integers("padding");
    const Dims& dilation = node_.integers("dilation");
    const std::int64_t outputs_a_group = w.sizes[0] / node_.integer("groups");
    fill([&](const Dims& o) {
      double sum = present(2) ? inputs_[2].at({o[1]}) : 0.0;
      const std::int64_t group = o[1] / outputs_a_group;
      for (std::int64_t c = 0; c < w.sizes[1]; ++c)
        for (std::int64_t i = 0; i < w.sizes[2]; ++i)
          for (std::int64_t j = 0; j < w.sizes[3]; ++j) {
            const std::int64_t y = o[2] * stride[0] - padding[0] + i * dilation[0];
            const std::int64_t z = o[3] * stride[1] - padding[2] + j * dilation[1];
            if (y < 0 || z < 0 || y >= x.sizes[2] || z >= x.sizes[3]) continue;
            sum += x.at({o[0], group * w.sizes[1] + c, y, z}) * w.at({o[1], c, i, j});
          }
      return epilogue(sum, 3, o);
    });
  }
  void matmul() {
    const Array& a = inputs_[0];
    const Array& b = inputs_[1];
    const std::int64_t depth = a.sizes.back();
    fill([&](const Dims& o) {
      double sum = present(2) ? inputs_[2].at({o.back()}) : 0.0;
      for (std::int64_t k = 0; k < depth; ++k) {
        Dims left = o;
        left.back() = k;
        Dims right = o;
        right[right.size() - 2] = k;
        // Batch dimensions broadcast; the last two are never 1-broadcast, so read them exactly.
        const auto exact = [&](const Array& operand, const Dims& index) {
          Dims own(operand.sizes.size());
          const std::size_t shift = index.size() - own.size();
          for (std::size_t i = 0; i < own.size(); ++i) {
            own[i] = i + 2 < own.size() && operand.sizes[i] == 1 ? 0 : index[i + shift];
          }
          return operand.at(own);
        };
        sum += exact(a, left) * exact(b, right);
      }
      return epilogue(sum, 3, o);
    });
  }
  void attention() {
    const Dims& sizes = result_.sizes;
    const std::size_t rank = sizes.size();
    const std::int64_t keys = inputs_[1].sizes[inputs_[1].sizes.size() - 2], depth = inputs_[0].sizes.back();
    // The element of one operand at a batch index of the result, a row and a column.
    const auto element = [&](const Array& operand, const Dims& o, std::int64_t row, std::int64_t column) {
      Dims own(operand.sizes.size());
      for (std::size_t d = own.size(); d-- > 0;) {
        const std::size_t from_end = own.size() - d;
        const std::int64_t index = from_end == 1 ? column : from_end == 2 ? row : o[rank - from_end];
        own[d] = operand.sizes[d] == 1 ? 0 : index;
      }
      return operand.at(own);
    };
    fill([&](const Dims& o) {
      const std::int64_t row = o[rank - 2];
      std::vector<double> scores;
      for (std::int64_t j = 0; j < keys && (j <= row || !node_.flag("causal")); ++j) {
        double sum = 0;
        for (std::int64_t e = 0; e < depth; ++e) sum += element(inputs_[0], o, row, e) * element(inputs_[1], o, j, e);
        scores.push_back(sum * node_.number("scale") + (present(3) ? element(inputs_[3], o, row, j) : 0.0));
      }
      if (scores.empty()) return 0.0;
      const double greatest = *std::max_element(scores.begin(), scores.end());
      if (std::isinf(greatest) && greatest < 0 && node_.flag("zero_hidden")) return 0.0;
      double weights = 0, sum = 0;
      for (std::size_t j = 0; j < scores.size(); ++j) {
        const double weight = std::exp(scores[j] - greatest);
        weights += weight;
        sum += weight * element(inputs_[2], o, static_cast<std::int64_t>(j), o.back());
      }
      return sum / weights;
    });
  }
  void pool() {
    const Array& x = inputs_[0];
    const bool max = node_.text("mode") == "max";
    const bool adaptive = node_.op() == "adaptive_pool";
    fill([&](const Dims& o) {
      std::int64_t begin[2], end[2], step[2] = {1, 1}, window = 1;
      for (std::size_t d = 0; d < 2; ++d) {
        const std::int64_t in = x.sizes[2 + d];
        const std::int64_t out = result_.sizes[2 + d];
        if (adaptive) {
          begin[d] = o[2 + d] * in / out;
          end[d] = ((o[2 + d] + 1) * in + out - 1) / out;
        } else {
          const Dims& padding = node_.integers("padding");
          const std::int64_t pad_before = padding[2 * d];
          const std::int64_t pad_after = padding[2 * d + 1];
          step[d] = node_.integers("dilation")[d];
          begin[d] = o[2 + d] * node_.integers("stride")[d] - pad_before;
          end[d] = begin[d] + (node_.integers("kernel")[d] - 1) * step[d] + 1;
          window *= std::min(end[d], in + pad_after) - begin[d];
        }
      }
      double sum = 0, most = -std::numeric_limits<double>::infinity();
      std::int64_t count = 0;
      for (std::int64_t y = begin[0]; y < end[0]; y += step[0])
        for (std::int64_t z = begin[1]; z < end[1]; z += step[1]) {
          if (y < 0 || z < 0 || y >= x.sizes[2] || z >= x.sizes[3]) continue;
          const double value = x.at({o[0], o[1], y, z});
          sum += value;
          most = std::max(most, value);
          ++count;
        }
      if (max) return most;
      if (adaptive) return sum / static_cast<double>(count);
      if (node_.integer("divisor") != 0) return sum / static_cast<double>(node_.integer("divisor"));
      return sum / static_cast<double>(node_.flag("count_include_pad") ? window : count);
    });
  }
  void normalise() {
    const Array& x = inputs_[0];
    const bool layer = node_.op() == "layer_norm";
    const double eps = node_.number("eps");
    const auto rank = static_cast<std::int64_t>(x.sizes.size());
    const std::int64_t first = layer ? rank - node_.integer("dims") : 0;
    // Elements with the same key are normalised together.
    const auto key = [&](const Dims& index) {
      return layer ? Dims(index.begin(), index.begin() + first)
                   : Dims{index[0], index[1] / (x.sizes[1] / node_.integer("groups"))};
    };
    std::map<Dims, std::vector<double>> groups;
    each_index(x.sizes, [&](const Dims& index) { groups[key(index)].push_back(x.at(index)); });
    fill([&](const Dims& index) {
      const std::vector<double>& group = groups[key(index)];
      double mean = 0, variance = 0;
      for (const double value : group) mean += value / static_cast<double>(group.size());
      for (const double value : group) variance += (value - mean) * (value - mean) / static_cast<double>(group.size());
      const Dims weight_index = layer ? Dims(index.begin() + first, index.end()) : Dims{index[1]};
      double value = (x.at(index) - mean) / std::sqrt(variance + eps);
      if (present(1)) value *= inputs_[1].at(weight_index);
      if (present(2)) value += inputs_[2].at(weight_index);
      return value;
    });
  }
  void softmax() {
    const Array& x = inputs_[0];
    const auto dim = static_cast<std::size_t>(node_.integer("dim"));
    fill([&](const Dims& index) {
      double most = -std::numeric_limits<double>::infinity(), sum = 0;
      Dims other = index;
      for (other[dim] = 0; other[dim] < x.sizes[dim]; ++other[dim]) most = std::max(most, x.at(other));
      for (other[dim] = 0; other[dim] < x.sizes[dim]; ++other[dim]) sum += std::exp(x.at(other) - most);
      const double log = x.at(index) - most - std::log(sum);
      return node_.flag("log") ? log : std::exp(log);
    });
  }
  void reduce() {
    const Array& x = inputs_[0];
    const std::string& mode = node_.text("mode");
    std::vector<bool> reduced(x.sizes.size(), false);
    for (const std::int64_t dim : node_.integers("dims")) reduced[static_cast<std::size_t>(dim)] = true;
    std::map<Dims, std::vector<double>> groups;
    each_index(result_.sizes, [&](const Dims& index) { groups[index]; });
    each_index(x.sizes, [&](const Dims& index) {
      Dims key;
      for (std::size_t i = 0; i < index.size(); ++i) {
        if (!reduced[i])
          key.push_back(index[i]);
        else if (node_.flag("keepdim"))
          key.push_back(0);
      }
      groups[key].push_back(x.at(index));
    });
    fill([&](const Dims& index) -> double {
      const std::vector<double>& all = groups[index];
      double sum = 0, product = 1;
      for (const double value : all) sum += value, product *= value;
      if (mode == "sum") return sum;
      if (mode == "prod") return product;
      if (mode == "mean") return sum / static_cast<double>(all.size());
      if (mode == "max") return *std::max_element(all.begin(), all.end());
      if (mode == "min") return *std::min_element(all.begin(), all.end());
      if (mode == "argmax") return static_cast<double>(std::max_element(all.begin(), all.end()) - all.begin());
      if (mode == "argmin") return static_cast<double>(std::min_element(all.begin(), all.end()) - all.begin());
      if (mode == "any") return std::any_of(all.begin(), all.end(), [](double value) { return value != 0; });
      if (mode == "all") return std::all_of(all.begin(), all.end(), [](double value) { return value != 0; });
      throw std::logic_error("the interpreter lacks reduce " + mode);
    });
  }
  void gather() {
    const Array& table = inputs_[0];
    const Array& indices = inputs_[1];
    const auto dim = static_cast<std::size_t>(node_.integer("dim"));
    fill([&](const Dims& index) {
      const auto from = index.begin() + static_cast<std::ptrdiff_t>(dim);
      const auto to = from + static_cast<std::ptrdiff_t>(indices.sizes.size());
      Dims source(index.begin(), from);
      auto row = static_cast<std::int64_t>(indices.at(Dims(from, to)));
      source.push_back(row < 0 ? row + table.sizes[dim] : row);
      source.insert(source.end(), to, index.end());
      return table.at(source);
    });
  }
  void concat() {
    const auto dim = static_cast<std::size_t>(node_.integer("dim"));
    fill([&](Dims index) {
      std::size_t k = 0;
      while (index[dim] >= inputs_[k].sizes[dim]) index[dim] -= inputs_[k++].sizes[dim];
      return inputs_[k].at(index);
    });
  }
  void pad() {
    const Dims& pads = node_.integers("pads");
    fill([&](Dims index) {
      for (std::size_t d = 0; d < index.size(); ++d) {
        index[d] -= pads[2 * d];
        if (index[d] < 0 || index[d] >= inputs_[0].sizes[d]) return node_.number("value");
      }
      return inputs_[0].at(index);
    });
  }

  const ir::Node& node_;
  std::vector<Array> inputs_;
  Array result_;
};

}  // namespace

std::vector<Tensor> interpret(const ir::Graph& graph, std::span<const Tensor> inputs) {
  std::map<const ir::Value*, Array> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    values[graph.inputs()[i]] = from_tensor(inputs[i], graph.inputs()[i]->type());
  }
  for (const ir::Value* constant : graph.constants()) {
    values[constant] = from_tensor(constant->constant()->get(), constant->type());
  }
  for (const ir::Node* node : graph.nodes()) {
    std::vector<Array> operands;
    for (const ir::Value* value : node->inputs()) operands.push_back(value == nullptr ? Array{} : values.at(value));
    values[node->output()] = Interpreter(*node, std::move(operands)).run();
  }
  std::vector<Tensor> outputs;
  for (const ir::Value* value : graph.outputs()) outputs.push_back(to_tensor(values.at(value)));
  return outputs;
}

}  // namespace wherry::runtime
