// Tensors made of one number: stored once, repeated by an expand. Those made of many (arange) are folded before
// lowering.

#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

Values filled(Site& site, double value) { return {site.full(site.out().sizes, value, site.out().dtype)}; }

Values zeros(Site& site) { return filled(site, 0); }
Values ones(Site& site) { return filled(site, 1); }
Values full(Site& site) { return filled(site, site.number("fill_value", 0)); }

Values fill(Site& site) {
  if (site.maybe(1)) return {site.expand(site.cast(site.in(1), site.out().dtype), site.out().sizes)};
  return filled(site, site.number("value", 0));
}

}  // namespace

std::span<const Rule> creation_rules() {
  static constexpr Rule kRules[] = {
      {"zeros", zeros},
      {"zeros_like", zeros},
      {"new_zeros", zeros},
      {"zero", zeros},
      // What is in an empty tensor is nobody's business; zeros are as good as anything.
      {"empty", zeros},
      {"empty_like", zeros},
      {"new_empty", zeros},
      {"ones", ones},
      {"ones_like", ones},
      {"new_ones", ones},
      {"full", full},
      {"full_like", full},
      {"new_full", full},
      {"fill", fill},
      {"scalar_tensor", [](Site& s) { return filled(s, s.number("s", 0)); }},
      {"tensor", [](Site& s) { return filled(s, s.number("data", 0)); }},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
