#include "interpreter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include "base/check.h"
#include "ir/ops.h"
#include "tensor/elements.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::TensorType;
using ir::Value;

/// All elements in row-major order.
struct Array {
  Dims sizes;
  std::vector<double> data;

  double at(const Dims& index) const {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < sizes.size(); ++d) offset = offset * sizes[d] + index[d];
    return data[static_cast<std::size_t>(offset)];
  }
  /// With `index` of a higher rank: aligned at the right, size-1 dimensions repeat.
  double broadcast_at(const Dims& index) const {
    Dims own(sizes.size());
    const std::size_t missing = index.size() - sizes.size();
    for (std::size_t d = 0; d < sizes.size(); ++d) own[d] = sizes[d] == 1 ? 0 : index[d + missing];
    return at(own);
  }
};

/// Calls visit(index) for every index in row-major order.
template <typename Visit>
void each(const Dims& sizes, Visit visit) {
  Dims index(sizes.size(), 0);
  for (std::int64_t i = 0, n = element_count(sizes); i < n; ++i) {
    visit(static_cast<const Dims&>(index));
    for (std::size_t d = sizes.size(); d-- > 0;) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
}

Array read(const Tensor& tensor) {
  Array array{tensor.sizes(), {}};
  each(tensor.sizes(), [&](const Dims& index) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * tensor.strides()[d];
    array.data.push_back(tensor::load_double(tensor.data(), tensor.dtype(), offset));
  });
  return array;
}

template <typename Element>
Array compute(const Dims& sizes, Element element) {
  Array array{sizes, {}};
  each(sizes, [&](const Dims& index) { array.data.push_back(element(index)); });
  return array;
}

/// `array` rounded to the dtype and laid out with the type's strides.
Tensor place(const Array& array, const TensorType& type) {
  WHERRY_CHECK_EQ(to_string(array.sizes), to_string(type.sizes));
  const Dims strides = type.strides.empty() ? contiguous_strides(type.sizes) : type.strides;
  std::int64_t extent = 1;
  for (std::size_t d = 0; d < strides.size(); ++d) extent += std::max<std::int64_t>(0, type.sizes[d] - 1) * strides[d];
  Tensor memory = Tensor::empty(type.dtype, {extent});
  std::size_t i = 0;
  each(type.sizes, [&](const Dims& index) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
    tensor::store_double(memory.mutable_data(), type.dtype, offset, array.data[i++]);
  });
  return memory.view(type.sizes, strides, 0);
}

double run_program(const expression::Program& program, const std::vector<double>& operands, DType dtype) {
  double value;
  if (program.compute == expression::Compute::i64) {
    std::vector<std::int64_t> whole;
    for (const double x : operands) whole.push_back(base::truncate_to_int(x));
    value = static_cast<double>(expression::evaluate(program, whole));
  } else {
    value = expression::evaluate(program, operands);
  }
  // The result converts to the output's dtype.
  double stored = 0;
  tensor::store_double(&stored, dtype, 0, value);
  return tensor::load_double(&stored, dtype, 0);
}

Array epilogue(const Node& node, Array y, const std::vector<Array>& in) {
  if (!node.has("epilogue")) return y;
  const auto& program = node.program("epilogue");
  std::size_t i = 0;
  return compute(y.sizes, [&](const Dims& index) {
    std::vector<double> operands = {y.data[i++]};
    for (std::size_t k = 3; k < in.size(); ++k) operands.push_back(in[k].broadcast_at(index));
    return run_program(program, operands, node.output()->type().dtype);
  });
}

Array convolution(const Node& node, const std::vector<Array>& in) {
  const Dims &x = in[0].sizes, &w = in[1].sizes;
  const Dims &stride = node.integers("stride"), &pad = node.integers("padding"), &dilation = node.integers("dilation");
  const std::int64_t groups = node.integer("groups"), per_group = w[0] / groups;
  const bool bias = in.size() > 2 && !in[2].data.empty();
  Array y = compute(node.output()->type().sizes, [&](const Dims& o) {
    double sum = bias ? in[2].at({o[1]}) : 0;
    for (std::int64_t c = 0; c < w[1]; ++c)
      for (std::int64_t i = 0; i < w[2]; ++i)
        for (std::int64_t j = 0; j < w[3]; ++j) {
          const std::int64_t h = o[2] * stride[0] - pad[0] + i * dilation[0];
          const std::int64_t v = o[3] * stride[1] - pad[2] + j * dilation[1];
          if (h < 0 || h >= x[2] || v < 0 || v >= x[3]) continue;
          sum += in[0].at({o[0], o[1] / per_group * w[1] + c, h, v}) * in[1].at({o[1], c, i, j});
        }
    return sum;
  });
  return epilogue(node, std::move(y), in);
}

Array matmul(const Node& node, const std::vector<Array>& in) {
  const bool bias = in.size() > 2 && !in[2].data.empty();
  const std::int64_t depth = in[0].sizes.back();
  Array y = compute(node.output()->type().sizes, [&](const Dims& o) {
    double sum = bias ? in[2].at({o.back()}) : 0;
    Dims a = o, b = o;
    for (std::int64_t k = 0; k < depth; ++k) {
      a.back() = k;
      b[b.size() - 2] = k;
      sum += in[0].broadcast_at(a) * in[1].broadcast_at(b);
    }
    return sum;
  });
  return epilogue(node, std::move(y), in);
}

Array pool(const Node& node, const Array& x) {
  const Dims &kernel = node.integers("kernel"), &stride = node.integers("stride"), &pad = node.integers("padding"),
             &dilation = node.integers("dilation");
  const bool max = node.text("mode") == "max", include = node.flag("count_include_pad");
  return compute(node.output()->type().sizes, [&](const Dims& o) {
    double sum = 0, most = -std::numeric_limits<double>::infinity();
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < kernel[0]; ++i)
      for (std::int64_t j = 0; j < kernel[1]; ++j) {
        const std::int64_t h = o[2] * stride[0] - pad[0] + i * dilation[0];
        const std::int64_t v = o[3] * stride[1] - pad[2] + j * dilation[1];
        const bool inside = h >= 0 && h < x.sizes[2] && v >= 0 && v < x.sizes[3];
        count += inside || include;
        if (!inside) continue;
        sum += x.at({o[0], o[1], h, v});
        most = std::max(most, x.at({o[0], o[1], h, v}));
      }
    const std::int64_t divisor = node.integer("divisor");
    return max ? most : sum / static_cast<double>(divisor ? divisor : count);
  });
}

Array adaptive_pool(const Node& node, const Array& x) {
  const Dims& out = node.output()->type().sizes;
  const auto begin = [](std::int64_t i, std::int64_t in, std::int64_t n) { return i * in / n; };
  const auto end = [](std::int64_t i, std::int64_t in, std::int64_t n) { return ((i + 1) * in + n - 1) / n; };
  return compute(out, [&](const Dims& o) {
    double sum = 0, most = -std::numeric_limits<double>::infinity(), count = 0;
    for (std::int64_t h = begin(o[2], x.sizes[2], out[2]); h < end(o[2], x.sizes[2], out[2]); ++h)
      for (std::int64_t v = begin(o[3], x.sizes[3], out[3]); v < end(o[3], x.sizes[3], out[3]); ++v, ++count) {
        sum += x.at({o[0], o[1], h, v});
        most = std::max(most, x.at({o[0], o[1], h, v}));
      }
    return node.text("mode") == "max" ? most : sum / count;
  });
}

Array reduce(const Node& node, const Array& x) {
  const std::string& mode = node.text("mode");
  const Dims& dims = node.integers("dims");
  const auto reduced = [&](std::size_t d) {
    return std::find(dims.begin(), dims.end(), static_cast<std::int64_t>(d)) != dims.end();
  };
  std::map<Dims, std::vector<double>> groups;  // by kept index, in order
  each(x.sizes, [&](const Dims& index) {
    Dims kept;
    for (std::size_t d = 0; d < index.size(); ++d)
      if (!reduced(d)) kept.push_back(index[d]);
    groups[kept].push_back(x.at(index));
  });
  Array y{node.output()->type().sizes, {}};
  for (const auto& [kept, v] : groups) {
    const auto largest = std::max_element(v.begin(), v.end()), smallest = std::min_element(v.begin(), v.end());
    const double sum = std::accumulate(v.begin(), v.end(), 0.0);
    double result;
    if (mode == "sum")
      result = sum;
    else if (mode == "mean")
      result = sum / static_cast<double>(v.size());
    else if (mode == "max")
      result = *largest;
    else if (mode == "min")
      result = *smallest;
    else if (mode == "prod")
      result = std::accumulate(v.begin(), v.end(), 1.0, std::multiplies<>());
    else if (mode == "argmax")
      result = static_cast<double>(largest - v.begin());
    else if (mode == "argmin")
      result = static_cast<double>(smallest - v.begin());
    else if (mode == "any")
      result = std::any_of(v.begin(), v.end(), [](double e) { return e != 0; });
    else if (mode == "all")
      result = std::all_of(v.begin(), v.end(), [](double e) { return e != 0; });
    else
      base::fail<InternalError>("reduce mode {}", mode);
    y.data.push_back(result);
  }
  return y;
}

/// Normalises each group of elements to mean 0 and variance 1. `group` maps an index to its group.
template <typename Group>
Array standardised(const Array& x, double eps, Group group) {
  struct Moments {
    double count = 0, sum = 0, squares = 0;
  };
  std::map<Dims, Moments> moments;
  each(x.sizes, [&](const Dims& i) {
    Moments& m = moments[group(i)];
    m.count += 1;
    m.sum += x.at(i);
  });
  each(x.sizes, [&](const Dims& i) {
    Moments& m = moments[group(i)];
    m.squares += std::pow(x.at(i) - m.sum / m.count, 2);
  });
  return compute(x.sizes, [&](const Dims& i) {
    const Moments& m = moments[group(i)];
    return (x.at(i) - m.sum / m.count) / std::sqrt(m.squares / m.count + eps);
  });
}

Array layer_norm(const Node& node, const std::vector<Array>& in) {
  const auto dims = static_cast<std::size_t>(node.integer("dims"));
  const std::size_t outer = in[0].sizes.size() - dims;
  const auto split = static_cast<std::ptrdiff_t>(outer);
  const Array y =
      standardised(in[0], node.number("eps"), [&](const Dims& i) { return Dims(i.begin(), i.begin() + split); });
  return compute(y.sizes, [&](const Dims& i) {
    const Dims inner(i.begin() + split, i.end());
    const double scale = in.size() > 1 && !in[1].data.empty() ? in[1].at(inner) : 1;
    return y.at(i) * scale + (in.size() > 2 && !in[2].data.empty() ? in[2].at(inner) : 0);
  });
}

Array group_norm(const Node& node, const std::vector<Array>& in) {
  const std::int64_t size = in[0].sizes[1] / node.integer("groups");
  const Array y = standardised(in[0], node.number("eps"), [&](const Dims& i) { return Dims{i[0], i[1] / size}; });
  return compute(y.sizes, [&](const Dims& i) {
    const double scale = in.size() > 1 && !in[1].data.empty() ? in[1].at({i[1]}) : 1;
    return y.at(i) * scale + (in.size() > 2 && !in[2].data.empty() ? in[2].at({i[1]}) : 0);
  });
}

Array attention(const Node& node, const std::vector<Array>& in) {
  const Array &q = in[0], &k = in[1], &v = in[2];
  const Dims& out = node.output()->type().sizes;
  const std::int64_t keys = k.sizes[k.sizes.size() - 2];
  return compute(out, [&](const Dims& i) {
    Dims at = i;
    // With other numbers as the last two of the index.
    const auto element = [&](const Array& x, std::int64_t row, std::int64_t column) {
      at[at.size() - 2] = row, at.back() = column;
      return x.broadcast_at(at);
    };
    const std::int64_t row = i[i.size() - 2];
    std::vector<double> scores;
    for (std::int64_t j = 0; j < keys && (j <= row || !node.flag("causal")); ++j) {
      double s = 0;
      for (std::int64_t e = 0; e < q.sizes.back(); ++e) s += element(q, row, e) * element(k, j, e);
      s *= node.number("scale");
      if (in.size() > 3) s += element(in[3], row, j);
      scores.push_back(s);
    }
    if (scores.empty()) return 0.0;
    const double most = *std::max_element(scores.begin(), scores.end());
    if (std::isinf(most) && most < 0 && node.flag("zero_hidden")) return 0.0;
    double weights = 0, sum = 0;
    for (std::size_t j = 0; j < scores.size(); ++j) {
      const double w = std::exp(scores[j] - most);
      weights += w;
      sum += w * element(v, static_cast<std::int64_t>(j), i.back());
    }
    return sum / weights;
  });
}

Array softmax(const Node& node, const Array& x) {
  const auto dim = static_cast<std::size_t>(node.integer("dim"));
  return compute(x.sizes, [&](const Dims& i) {
    Dims j = i;
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (j[dim] = 0; j[dim] < x.sizes[dim]; ++j[dim]) most = std::max(most, x.at(j));
    for (j[dim] = 0; j[dim] < x.sizes[dim]; ++j[dim]) sum += std::exp(x.at(j) - most);
    return node.flag("log") ? x.at(i) - most - std::log(sum) : std::exp(x.at(i) - most) / sum;
  });
}

Array gather(const Node& node, const Array& table, const Array& indices) {
  const auto dim = static_cast<std::size_t>(node.integer("dim"));
  const std::size_t count = indices.sizes.size();
  return compute(node.output()->type().sizes, [&](const Dims& i) {
    const auto at = i.begin() + static_cast<std::ptrdiff_t>(dim), end = at + static_cast<std::ptrdiff_t>(count);
    Dims from(i.begin(), at);
    from.push_back(static_cast<std::int64_t>(indices.at(Dims(at, end))));
    from.insert(from.end(), end, i.end());
    WHERRY_CHECK_LT(from[dim], table.sizes[dim]);
    WHERRY_CHECK_GE(from[dim], 0);
    return table.at(from);
  });
}

Array concat(const Node& node, const std::vector<Array>& in) {
  const auto dim = static_cast<std::size_t>(node.integer("dim"));
  return compute(node.output()->type().sizes, [&](const Dims& i) {
    Dims from = i;
    std::size_t k = 0;
    while (from[dim] >= in[k].sizes[dim]) from[dim] -= in[k++].sizes[dim];
    return in[k].at(from);
  });
}

Array pad(const Node& node, const Array& x) {
  const Dims& pads = node.integers("pads");
  return compute(node.output()->type().sizes, [&](const Dims& i) {
    Dims from = i;
    for (std::size_t d = 0; d < from.size(); ++d) {
      from[d] -= pads[2 * d];
      if (from[d] < 0 || from[d] >= x.sizes[d]) return node.number("value");
    }
    return x.at(from);
  });
}

Array rearranged(const Node& node, const Array& x) {
  const Dims& out = node.output()->type().sizes;
  if (node.op() == "copy") return x;
  if (node.op() == "reshape") return {out, x.data};
  if (node.op() == "expand") return compute(out, [&](const Dims& i) { return x.broadcast_at(i); });
  return compute(out, [&](const Dims& i) {
    Dims from = i;
    if (node.op() == "permute") {
      for (std::size_t d = 0; d < i.size(); ++d) from[static_cast<std::size_t>(node.integers("dims")[d])] = i[d];
    } else {
      const auto dim = static_cast<std::size_t>(node.integer("dim"));
      from[dim] = node.integer("start") + i[dim] * node.integer("step");
    }
    return x.at(from);
  });
}

Array run_node(const Node& node, const std::vector<Array>& in) {
  const std::string& op = node.op();
  if (op == "convolution") return convolution(node, in);
  if (op == "matmul") return matmul(node, in);
  if (op == "pool") return pool(node, in[0]);
  if (op == "adaptive_pool") return adaptive_pool(node, in[0]);
  if (op == "reduce") return reduce(node, in[0]);
  if (op == "layer_norm") return layer_norm(node, in);
  if (op == "group_norm") return group_norm(node, in);
  if (op == "attention") return attention(node, in);
  if (op == "softmax") return softmax(node, in[0]);
  if (op == "gather") return gather(node, in[0], in[1]);
  if (op == "concat") return concat(node, in);
  if (op == "pad") return pad(node, in[0]);
  if (op == "copy" || op == "reshape" || op == "expand" || op == "permute" || op == "slice")
    return rearranged(node, in[0]);
  if (op == "elementwise")
    return compute(node.output()->type().sizes, [&](const Dims& index) {
      std::vector<double> operands;
      for (const Array& x : in) operands.push_back(x.broadcast_at(index));
      return run_program(node.program("program"), operands, node.output()->type().dtype);
    });
  base::fail<InternalError>("{} is no core op", op);
}

/// What core_ops.h promises about strides once they are there.
void check_contract(const Node& node) {
  const auto unit = [](const Value* v, std::size_t dim) {
    return v->type().strides.empty() || v->type().sizes[dim] == 1 || v->type().strides[dim] == 1;
  };
  const Value* first = node.input(0);
  if (first && !first->type().sizes.empty() && !node.output()->type().sizes.empty())
    WHERRY_CHECK_EQ(node.output()->type().strides.empty(), first->type().strides.empty());
  const std::size_t rank = node.output()->type().sizes.size();
  if (node.op() == "convolution" || node.op() == "pool" || node.op() == "adaptive_pool") {
    WHERRY_CHECK(unit(node.input(0), 1) || node.has("dtype"));
    WHERRY_CHECK(unit(node.output(), 1));
  }
  const bool laid_out = !node.output()->type().strides.empty();
  if (node.op() == "convolution" && laid_out) WHERRY_CHECK(node.input(1)->is_constant());
  if (node.op() == "matmul") {
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t own = node.input(i)->type().sizes.size();
      WHERRY_CHECK(unit(node.input(i), own - 1) || unit(node.input(i), own - 2));
    }
    WHERRY_CHECK(unit(node.output(), rank - 1));
  }
  if (node.op() == "layer_norm") WHERRY_CHECK(unit(node.input(0), rank - 1) && unit(node.output(), rank - 1));
  if (node.op() == "attention") {
    for (const Value* x : node.inputs())
      if (x) WHERRY_CHECK(unit(x, x->type().sizes.size() - 1));
    WHERRY_CHECK(unit(node.output(), rank - 1));
  }
  if (node.op() == "softmax") WHERRY_CHECK(unit(node.input(0), static_cast<std::size_t>(node.integer("dim"))));
}

}  // namespace

std::vector<Tensor> interpret(const ir::Graph& graph, std::span<const Tensor> inputs) {
  std::unordered_map<const Value*, Tensor> memory;
  WHERRY_CHECK_EQ(inputs.size(), graph.inputs().size());
  for (std::size_t i = 0; i < inputs.size(); ++i) memory[graph.inputs()[i]] = inputs[i];
  for (const Value* constant : graph.constants()) memory[constant] = constant->constant()->get();
  for (const Node* node : graph.nodes()) {
    check_contract(*node);
    const TensorType& type = node->output()->type();
    if (node->op() == "view") {
      memory[node->output()] = memory.at(node->input(0)).view(type.sizes, type.strides, node->integer("offset"));
      continue;
    }
    std::vector<Array> in;
    for (const Value* input : node->inputs()) in.push_back(input ? read(memory.at(input)) : Array{});
    memory[node->output()] = place(run_node(*node, in), type);
  }
  std::vector<Tensor> outputs;
  for (const Value* output : graph.outputs()) outputs.push_back(memory.at(output).contiguous());
  return outputs;
}

std::vector<Tensor> uniform_inputs(const ir::Graph& graph, std::uint64_t seed, double low, double high) {
  // The text form's own generator makes them: one constant per input.
  std::vector<Tensor> tensors;
  for (const Value* input : graph.inputs()) {
    const ir::Graph made =
        ir::parse_graph(fmt::format("graph() {{\n  %x = constant {}{} uniform({}, {}, {})\n  return %x as \"x\"\n}}\n",
                                    name_of(input->type().dtype), to_string(input->type().sizes), seed++, low, high));
    tensors.push_back(made.constants()[0]->constant()->get());
  }
  return tensors;
}

double difference(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.dtype() != b.dtype()) return std::numeric_limits<double>::infinity();
  const Array x = read(a), y = read(b);
  double worst = 0;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const double p = x.data[i], q = y.data[i];
    if (p == q || (std::isnan(p) && std::isnan(q))) continue;
    const double error = std::fabs(p - q) / std::max(1.0, std::fabs(q));
    worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
  }
  return worst;
}

}  // namespace wherry::passes
