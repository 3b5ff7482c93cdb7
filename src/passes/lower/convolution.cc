// Convolutions of every arity become one core op over [N, C, H, W]; a 1-d convolution is one with H = 1.

#include "base/check.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

/// A list of `count` numbers; a single number stands for all.
Dims spread(Dims values, std::size_t count) {
  if (values.size() == 1) values.assign(count, values[0]);
  WHERRY_CHECK_EQ(values.size(), count);
  return values;
}

/// Padding as (top, bottom, left, right). "same" keeps the size at stride 1 and puts the odd cell at the end.
Dims four_paddings(Site& site, std::size_t spatial, const Dims& kernel, const Dims& dilation) {
  Dims begin(spatial, 0), end(spatial, 0);
  const auto found = site.node().attributes().find("padding");
  if (found != site.node().attributes().end() && std::holds_alternative<std::string>(found->second)) {
    const std::string& mode = std::get<std::string>(found->second);
    if (mode != "same" && mode != "valid")
      base::fail<InvalidModel>("{}: padding mode \"{}\", expected \"same\" or \"valid\"", site.op(), mode);
    for (std::size_t i = 0; i < spatial && mode == "same"; ++i) {
      const std::int64_t total = dilation[i] * (kernel[i] - 1);
      begin[i] = total / 2;
      end[i] = total - begin[i];
    }
  } else {
    begin = end = spread(site.has("padding") ? site.integers("padding") : Dims{0}, spatial);
  }
  if (spatial == 1) return {0, 0, begin[0], end[0]};
  return {begin[0], end[0], begin[1], end[1]};
}

Values convolution(Site& site) {
  ir::Value* x = site.in(0);
  ir::Value* w = site.in(1);
  if (site.flag("transposed")) site.unsupported("a transposed convolution; a plain one would be accepted");
  if (!w->is_constant()) site.unsupported("a weight computed from the input; a constant weight would be accepted");
  const std::size_t spatial = w->type().sizes.size() - 2;
  if (spatial != 1 && spatial != 2)
    site.unsupported(fmt::format("a convolution over {} dimensions; 1 or 2 would be accepted", spatial));

  const Dims kernel(w->type().sizes.begin() + 2, w->type().sizes.end());
  Dims stride = spread(site.has("stride") ? site.integers("stride") : Dims{1}, spatial);
  Dims dilation = spread(site.has("dilation") ? site.integers("dilation") : Dims{1}, spatial);
  Dims padding = four_paddings(site, spatial, kernel, dilation);
  const bool batched = x->type().sizes.size() == spatial + 2;
  if (!batched) x = site.unsqueeze(x, 0);
  if (spatial == 1) {
    x = site.unsqueeze(x, 2);
    w = site.unsqueeze(w, 2);
    stride.insert(stride.begin(), 1);
    dilation.insert(dilation.begin(), 1);
  }
  std::vector<ir::Value*> inputs = {x, w};
  if (site.maybe(2)) inputs.push_back(site.in(2));
  ir::Value* y = site.record("convolution", std::move(inputs),
                             {{"stride", std::move(stride)},
                              {"padding", std::move(padding)},
                              {"dilation", std::move(dilation)},
                              {"groups", site.integer("groups", 1)}});
  return {site.reshape(y, site.out().sizes)};
}

}  // namespace

std::span<const Rule> convolution_rules() {
  static constexpr Rule kRules[] = {
      {"conv1d", convolution},
      {"conv2d", convolution},
      {"convolution", convolution},
      {"_convolution", convolution},
      {"_convolution_mode", convolution},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
