// einsum of one or two operands as permute, reshape and one matmul.
//
// Each letter of the equation is one of: batch (in both operands and the result), left or right (in one operand and the
// result), summed (in both operands, not in the result), or summed at once (in one operand only). "..." stands for
// letters of its own, aligned at the right.

#include <algorithm>
#include <map>
#include <string>

#include "base/check.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

using Labels = std::string;
constexpr char kEllipsis = 1;  ///< Letters of "..." are 1, 2, 3, … from the right.

bool contains(const Labels& labels, char c) { return labels.find(c) != Labels::npos; }

/// "b i ... j" → labels, with "..." spelled out for a tensor of this rank (unknown rank: `dots` letters).
Labels parse_term(std::string_view term, std::size_t dots) {
  Labels labels;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term[i] == ' ') continue;
    if (term[i] == '.') {
      i += 2;
      for (std::size_t d = dots; d-- > 0;) labels.push_back(static_cast<char>(kEllipsis + static_cast<char>(d)));
    } else {
      labels.push_back(term[i]);
    }
  }
  return labels;
}

std::size_t letters(std::string_view term) {
  return static_cast<std::size_t>(std::count_if(term.begin(), term.end(), [](char c) { return c != ' ' && c != '.'; }));
}

struct Term {
  ir::Value* value;
  Labels labels;
};

/// `term` with its dimensions in the order of `wanted`, which names some of its labels; the others are summed first.
Term arranged(Site& site, Term term, const Labels& wanted) {
  Dims summed;
  Labels kept;
  for (std::size_t d = 0; d < term.labels.size(); ++d) {
    if (contains(wanted, term.labels[d]))
      kept.push_back(term.labels[d]);
    else
      summed.push_back(static_cast<std::int64_t>(d));
  }
  ir::Value* value = summed.empty() ? term.value : site.reduce(term.value, "sum", summed, false);
  Dims order;
  Labels present;
  for (const char c : wanted) {
    const std::size_t at = kept.find(c);
    if (at == Labels::npos) continue;
    order.push_back(static_cast<std::int64_t>(at));
    present.push_back(c);
  }
  return {site.permute(value, std::move(order)), std::move(present)};
}

struct Equation {
  std::vector<Labels> terms;
  Labels result;
};

Equation parse(Site& site, std::string_view text) {
  const std::size_t arrow = text.find("->");
  std::string_view left = text.substr(0, arrow);
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t comma = left.find(',');
    parts.push_back(left.substr(0, comma));
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  if (parts.size() != site.node().inputs().size())
    base::fail<InvalidModel>("einsum \"{}\": {} operands, expected {}", text, site.node().inputs().size(),
                             parts.size());
  Equation equation;
  std::size_t dots = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t named = letters(parts[i]), rank = site.rank(i);
    const bool open = parts[i].find("...") != std::string_view::npos;
    if (named > rank || (!open && named != rank))
      base::fail<InvalidModel>("einsum \"{}\": operand {} has {} dimensions, expected {}", text, i, rank, named);
    dots = std::max(dots, rank - named);
    equation.terms.push_back(parse_term(parts[i], rank - named));
  }
  if (arrow != std::string_view::npos) {
    equation.result = parse_term(text.substr(arrow + 2), dots);
  } else {
    // Without "->": the ellipsis, then the letters that occur once, in alphabetical order.
    std::map<char, int> count;
    for (const Labels& term : equation.terms)
      for (const char c : term) ++count[c];
    for (std::size_t d = dots; d-- > 0;) equation.result.push_back(static_cast<char>(kEllipsis + static_cast<char>(d)));
    for (const auto& [c, n] : count)
      if (n == 1 && c > 32) equation.result.push_back(c);
  }
  for (const Labels& term : equation.terms)
    for (const char c : term)
      if (std::count(term.begin(), term.end(), c) > 1)
        site.unsupported(
            fmt::format("einsum \"{}\" takes a diagonal; letters that occur once per operand would be accepted", text));
  return equation;
}

std::int64_t product(const Dims& sizes) { return element_count(sizes); }

Values einsum(Site& site) {
  const std::string& text = site.node().text("equation");
  const Equation equation = parse(site, text);
  if (equation.terms.size() > 2)
    site.unsupported(
        fmt::format("einsum \"{}\" of {} operands; one or two would be accepted", text, equation.terms.size()));
  Term a{site.in(0), equation.terms[0]};
  if (equation.terms.size() == 1) return {arranged(site, a, equation.result).value};
  Term b{site.in(1), equation.terms[1]};

  std::map<char, std::int64_t> size;
  for (const Term* term : {&a, &b})
    for (std::size_t d = 0; d < term->labels.size(); ++d) {
      std::int64_t& known = size.try_emplace(term->labels[d], 1).first->second;
      if (term->value->type().sizes[d] != 1) known = term->value->type().sizes[d];
    }
  Labels batch, left, right, summed;
  for (const auto& [c, extent] : size) {
    const bool in_a = contains(a.labels, c), in_b = contains(b.labels, c), out = contains(equation.result, c);
    if (in_a && in_b) (out ? batch : summed).push_back(c);
    if (in_a && !in_b && out) left.push_back(c);
    if (in_b && !in_a && out) right.push_back(c);
  }
  // Groups keep the order of the result (or of the operand), so that permutes are the identity where they can be.
  const auto by = [](Labels& labels, const Labels& order) {
    std::sort(labels.begin(), labels.end(), [&](char x, char y) { return order.find(x) < order.find(y); });
  };
  by(batch, equation.result);
  by(left, equation.result);
  by(right, equation.result);
  by(summed, a.labels);

  const auto sizes_of = [&](const Labels& labels) {
    Dims sizes;
    for (const char c : labels) sizes.push_back(size[c]);
    return sizes;
  };
  const auto expanded = [&](const Term& term) { return site.expand(term.value, sizes_of(term.labels)); };
  const Dims batch_sizes = sizes_of(batch);
  const std::int64_t m = product(sizes_of(left)), n = product(sizes_of(right)), k = product(sizes_of(summed));
  Dims a_sizes = batch_sizes, b_sizes = batch_sizes;
  a_sizes.insert(a_sizes.end(), {m, k});
  b_sizes.insert(b_sizes.end(), {k, n});
  ir::Value* x = site.reshape(expanded(arranged(site, a, batch + left + summed)), a_sizes);
  ir::Value* y = site.reshape(expanded(arranged(site, b, batch + summed + right)), b_sizes);
  ir::Value* z = site.matmul(x, y);
  const Labels made = batch + left + right;
  return {arranged(site, {site.reshape(z, sizes_of(made)), made}, equation.result).value};
}

}  // namespace

std::span<const Rule> einsum_rules() {
  static constexpr Rule kRules[] = {{"einsum", einsum}};
  return kRules;
}

}  // namespace wherry::passes::lowering
