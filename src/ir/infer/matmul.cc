// Types of matrix products, einsum and attention.

#include <algorithm>
#include <array>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

void same_dtype(const Call& call) {
  const TensorType& first = call.tensor(0);
  for (const TensorType* type : call.inputs())
    if (type && type->dtype != first.dtype)
      call.invalid("operands are {} and {}: they must be one dtype", name_of(first.dtype), name_of(type->dtype));
}

void need_rank(const Call& call, const TensorType& type, std::size_t wanted) {
  if (type.sizes.size() != wanted)
    call.invalid("operand {} has {} dimensions, needs {}", to_string(type.sizes), type.sizes.size(), wanted);
}

/// Sizes of torch.matmul: vectors gain a dimension for the product and lose it again, batches broadcast.
Dims product(const Call& call, const Dims& a, const Dims& b) {
  if (a.empty() || b.empty())
    call.invalid("operands {} and {}: both need 1 dimension or more", to_string(a), to_string(b));
  Dims left = a, right = b;
  if (a.size() == 1) left.insert(left.begin(), 1);
  if (b.size() == 1) right.push_back(1);
  if (left.back() != right[right.size() - 2])
    call.invalid("operands {} and {}: the inner sizes {} and {} must be equal", to_string(a), to_string(b), left.back(),
                 right[right.size() - 2]);
  Dims sizes = call.broadcast(Dims(left.begin(), left.end() - 2), Dims(right.begin(), right.end() - 2));
  if (a.size() > 1) sizes.push_back(left[left.size() - 2]);
  if (b.size() > 1) sizes.push_back(right.back());
  return sizes;
}

std::vector<TensorType> matmul(const Call& call) {
  same_dtype(call);
  return {plain(call.tensor(0).dtype, product(call, call.tensor(0).sizes, call.tensor(1).sizes))};
}

std::vector<TensorType> mm(const Call& call) {
  need_rank(call, call.tensor(0), 2);
  need_rank(call, call.tensor(1), 2);
  return matmul(call);
}

std::vector<TensorType> bmm(const Call& call) {
  need_rank(call, call.tensor(0), 3);
  need_rank(call, call.tensor(1), 3);
  if (call.tensor(0).sizes[0] != call.tensor(1).sizes[0])
    call.invalid("operands {} and {}: the batches must be equal", to_string(call.tensor(0).sizes),
                 to_string(call.tensor(1).sizes));
  return matmul(call);
}

std::vector<TensorType> vectors(const Call& call) {  // dot, mv
  if (call.op() == "aten::dot") need_rank(call, call.tensor(0), 1);
  if (call.op() == "aten::mv") need_rank(call, call.tensor(0), 2);
  need_rank(call, call.tensor(1), 1);
  return matmul(call);
}

/// beta·self + alpha·(a @ b)
std::vector<TensorType> add_product(const Call& call, std::size_t rank_a, std::size_t rank_b) {
  same_dtype(call);
  const TensorType& self = call.tensor(0);
  need_rank(call, call.tensor(1), rank_a);
  need_rank(call, call.tensor(2), rank_b);
  Dims sizes = product(call, call.tensor(1).sizes, call.tensor(2).sizes);
  if (call.op() == "aten::addbmm") sizes.erase(sizes.begin());
  if (call.broadcast(sizes, self.sizes) != sizes)
    call.invalid("{} does not broadcast to the product {}", to_string(self.sizes), to_string(sizes));
  return {plain(self.dtype, std::move(sizes))};
}
std::vector<TensorType> addmm(const Call& call) { return add_product(call, 2, 2); }
std::vector<TensorType> baddbmm(const Call& call) { return add_product(call, 3, 3); }
std::vector<TensorType> addmv(const Call& call) { return add_product(call, 2, 1); }

std::vector<TensorType> linear(const Call& call) {
  same_dtype(call);
  const TensorType& input = call.tensor(0);
  const TensorType& weight = call.tensor(1);
  if (weight.sizes.size() != 1 && weight.sizes.size() != 2)
    call.invalid("weight {} has {} dimensions, needs 1 or 2", to_string(weight.sizes), weight.sizes.size());
  if (input.sizes.empty() || input.sizes.back() != weight.sizes.back())
    call.invalid("input {} does not end in the {} features of weight {}", to_string(input.sizes), weight.sizes.back(),
                 to_string(weight.sizes));
  Dims sizes(input.sizes.begin(), input.sizes.end() - 1);
  if (weight.sizes.size() == 2) sizes.push_back(weight.sizes[0]);
  if (const TensorType* bias = call.maybe(2); bias && call.broadcast(sizes, bias->sizes) != sizes)
    call.invalid("bias {} does not fit weight {}", to_string(bias->sizes), to_string(weight.sizes));
  return {plain(input.dtype, std::move(sizes))};
}

/// The core op: both at least matrices, bias [N], then the epilogue's operands.
std::vector<TensorType> core_matmul(const Call& call) {
  const TensorType& a = call.tensor(0);
  const TensorType& b = call.tensor(1);
  if (a.sizes.size() < 2 || b.sizes.size() < 2)
    call.invalid("operands {} and {}: both need 2 dimensions or more", to_string(a.sizes), to_string(b.sizes));
  if (a.dtype != b.dtype) call.invalid("operands are {} and {}", name_of(a.dtype), name_of(b.dtype));
  Dims sizes = product(call, a.sizes, b.sizes);
  if (const TensorType* bias = call.maybe(2); bias && bias->sizes != Dims{sizes.back()})
    call.invalid("bias {} does not fit, accepted is [{}]", to_string(bias->sizes), sizes.back());
  for (std::size_t i = 3; i < call.input_count(); ++i)
    if (call.maybe(i) && call.broadcast(sizes, call.maybe(i)->sizes) != sizes)
      call.invalid("epilogue operand {} does not broadcast to {}", to_string(call.maybe(i)->sizes), to_string(sizes));
  return {plain(a.dtype, std::move(sizes))};
}

/// q [..., L, E], k [..., S, E], v [..., S, D], mask broadcastable to [..., L, S] → [..., L, D]
std::vector<TensorType> core_attention(const Call& call) {
  const TensorType &q = call.tensor(0), &k = call.tensor(1), &v = call.tensor(2);
  for (const TensorType* type : {&q, &k, &v})
    if (type->sizes.size() < 2) call.invalid("operand {} needs 2 dimensions or more", to_string(type->sizes));
  if (q.dtype != k.dtype || q.dtype != v.dtype)
    call.invalid("operands are {}, {} and {}", name_of(q.dtype), name_of(k.dtype), name_of(v.dtype));
  call.number("scale");
  call.flag("causal");
  call.flag("zero_hidden");
  Dims transposed = k.sizes;
  std::swap(transposed[transposed.size() - 1], transposed[transposed.size() - 2]);
  const Dims scores = product(call, q.sizes, transposed);
  if (const TensorType* mask = call.maybe(3);
      mask && (mask->dtype != DType::f32 || mask->sizes.empty() || mask->sizes.back() != scores.back() ||
               call.broadcast(scores, mask->sizes) != scores))
    call.invalid("mask {} does not fit the scores {}; accepted are float32 addends for all keys", to_string(*mask),
                 to_string(scores));
  return {plain(q.dtype, product(call, scores, v.sizes))};
}

/// One operand's (or the result's) subscripts, the ellipsis as '.'.
std::string subscripts(const Call& call, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (text.substr(i, 3) == "..." && out.find('.') == std::string::npos) {
      out += '.';
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      out += c;
    } else {
      call.invalid("equation has \"{}\", accepted are letters, \"...\", \",\" and \"->\"", c);
    }
  }
  return out;
}

std::vector<TensorType> einsum(const Call& call) {
  std::string_view equation = call.text_or("equation", "");
  const auto arrow = equation.find("->");
  const std::string_view left = equation.substr(0, arrow);
  std::vector<std::string> terms;
  for (std::size_t at = 0; at <= left.size();) {
    const auto comma = std::min(left.find(',', at), left.size());
    terms.push_back(subscripts(call, left.substr(at, comma - at)));
    at = comma + 1;
  }
  if (terms.size() != call.input_count())
    call.invalid("equation \"{}\" has {} terms for {} operands", equation, terms.size(), call.input_count());
  same_dtype(call);

  std::array<std::int64_t, 128> size_of_letter;
  size_of_letter.fill(-1);
  std::array<int, 128> uses{};
  Dims ellipsis;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Dims& sizes = call.tensor(i).sizes;
    const std::size_t letters = terms[i].size() - (terms[i].find('.') != std::string::npos ? 1 : 0);
    if (letters > sizes.size() || (letters == terms[i].size() && letters != sizes.size()))
      call.invalid("equation \"{}\": term {} does not fit operand {}", equation, i, to_string(sizes));
    std::size_t at = 0;
    for (const char c : terms[i]) {
      if (c == '.') {
        const std::size_t hidden = sizes.size() - letters;
        ellipsis = call.broadcast(ellipsis, Dims(sizes.begin() + static_cast<std::ptrdiff_t>(at),
                                                 sizes.begin() + static_cast<std::ptrdiff_t>(at + hidden)));
        at += hidden;
        continue;
      }
      std::int64_t& size = size_of_letter[static_cast<std::size_t>(c)];
      ++uses[static_cast<std::size_t>(c)];
      if (size == -1 || size == 1)
        size = sizes[at];
      else if (sizes[at] != size && sizes[at] != 1)
        call.invalid("equation \"{}\": {} is {} and {}", equation, c, size, sizes[at]);
      ++at;
    }
  }

  std::string result;
  if (arrow != std::string_view::npos) {
    result = subscripts(call, equation.substr(arrow + 2));
  } else {
    result = ".";  // then the letters used once, in alphabetical order
    for (std::size_t c = 0; c < uses.size(); ++c)
      if (uses[c] == 1) result += static_cast<char>(c);
  }
  Dims sizes;
  for (const char c : result) {
    if (c == '.') {
      sizes.insert(sizes.end(), ellipsis.begin(), ellipsis.end());
      continue;
    }
    if (size_of_letter[static_cast<std::size_t>(c)] < 0)
      call.invalid("equation \"{}\": {} is in no operand", equation, c);
    sizes.push_back(size_of_letter[static_cast<std::size_t>(c)]);
  }
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

/// query [..., L, E], key [..., S, E], value [..., S, V], mask broadcastable to [..., L, S] → [..., L, V]
std::vector<TensorType> attention(const Call& call) {
  if (call.number_or("dropout_p", 0) != 0)
    call.unsupported("dropout inside attention is training, only 0 is supported");
  if (call.flag_or("enable_gqa", false)) call.unsupported("grouped queries are not supported");
  const TensorType &query = call.tensor(0), &key = call.tensor(1), &value = call.tensor(2);
  if (query.dtype != key.dtype || query.dtype != value.dtype || !is_floating(query.dtype))
    call.invalid("query, key and value are {}, {} and {}: they must be one floating dtype", name_of(query.dtype),
                 name_of(key.dtype), name_of(value.dtype));
  for (const TensorType* type : {&query, &key, &value})
    if (type->sizes.size() < 2) call.invalid("operand {} needs 2 dimensions or more", to_string(type->sizes));
  Dims transposed = key.sizes;
  std::swap(transposed[transposed.size() - 1], transposed[transposed.size() - 2]);
  Dims scores = product(call, query.sizes, transposed);
  if (const TensorType* mask = call.maybe(3); mask && call.broadcast(scores, mask->sizes) != scores)
    call.invalid("mask {} does not broadcast to the scores {}", to_string(mask->sizes), to_string(scores));
  return {plain(query.dtype, product(call, scores, value.sizes))};
}

/// torch.nn.MultiheadAttention's fast path: query [N, L, E], key and value [N, S, E], one packed weight [3E, E].
std::vector<TensorType> multi_head_attention(const Call& call) {
  const TensorType &query = call.tensor(0), &key = call.tensor(1), &value = call.tensor(2);
  need_rank(call, query, 3);
  need_rank(call, key, 3);
  const std::int64_t width = call.integer("embed_dim"), heads = call.integer("num_head");
  if (heads < 1 || width < 1 || width > kMaxParameter || width % heads != 0)
    call.invalid("{} heads do not divide the width {}", heads, width);
  if (query.sizes[2] != width || key.sizes[2] != width || key.sizes[0] != query.sizes[0] || value.sizes != key.sizes)
    call.invalid("query {}, key {} and value {} do not fit the width {}", to_string(query.sizes), to_string(key.sizes),
                 to_string(value.sizes), width);
  if (call.tensor(3).sizes != Dims{3 * width, width} || call.tensor(4).sizes != Dims{3 * width} ||
      call.tensor(5).sizes != Dims{width, width} || call.tensor(6).sizes != Dims{width})
    call.invalid("the weights {}, {}, {}, {} do not fit the width {}", to_string(call.tensor(3).sizes),
                 to_string(call.tensor(4).sizes), to_string(call.tensor(5).sizes), to_string(call.tensor(6).sizes),
                 width);
  Dims weights = {0};
  if (call.flag_or("need_weights", true)) {
    weights = {query.sizes[0], query.sizes[1], key.sizes[1]};
    if (!call.flag_or("average_attn_weights", true)) weights.insert(weights.begin() + 1, heads);
  }
  return {plain(query.dtype, query.sizes), plain(query.dtype, std::move(weights))};
}

}  // namespace

std::span<const Entry> matmul_rules() {
  static constexpr Entry kRules[] = {
      {"aten::linear", linear},
      {"aten::matmul", matmul},
      {"aten::mm", mm},
      {"aten::bmm", bmm},
      {"aten::dot", vectors},
      {"aten::mv", vectors},
      {"aten::addmm", addmm},
      {"aten::addbmm", baddbmm},
      {"aten::baddbmm", baddbmm},
      {"aten::addmv", addmv},
      {"aten::einsum", einsum},
      {"aten::scaled_dot_product_attention", attention},
      {"aten::_native_multi_head_attention", multi_head_attention},
      {"matmul", core_matmul},
      {"attention", core_attention},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
