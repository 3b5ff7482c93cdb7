// Pooling windows, with what ceil_mode adds written out as extra padding on the far side.

#include <algorithm>

#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

Dims pair(Dims values, const Dims& fallback) {
  if (values.empty()) values = fallback;
  if (values.size() == 1) values.push_back(values[0]);
  return values;
}

/// `x` as [N, C, H, W]: rank 3 of a 2-d pool lacks N, a 1-d pool lacks H (and perhaps N).
ir::Value* as_image(Site& site, bool one_dimensional) {
  ir::Value* x = site.in(0);
  if (one_dimensional) x = site.unsqueeze(x, static_cast<std::int64_t>(x->type().sizes.size()) - 1);
  if (x->type().sizes.size() == 3) x = site.unsqueeze(x, 0);
  return x;
}

Dims with_height(Dims values, std::int64_t height) {
  values.insert(values.begin(), height);
  return values;
}

Values pool(Site& site, const char* mode, bool one_dimensional) {
  ir::Value* x = as_image(site, one_dimensional);
  Dims kernel = site.integers("kernel_size"), stride = site.integers("stride");
  Dims pads = site.has("padding") ? site.integers("padding") : Dims{0};
  Dims dilation = site.has("dilation") ? site.integers("dilation") : Dims{1};
  if (one_dimensional) {
    if (stride.empty()) stride = kernel;
    kernel = with_height(kernel, 1);
    stride = with_height(stride, 1);
    pads = with_height(pads, 0);
    dilation = with_height(dilation, 1);
  }
  kernel = pair(kernel, {});
  stride = pair(stride, kernel);
  pads = pair(pads, {0});
  dilation = pair(dilation, {1});
  bool include_pad = site.flag("count_include_pad", true) && (pads[0] > 0 || pads[1] > 0);

  Dims out = site.out().sizes;
  const std::int64_t out_size[2] = {one_dimensional ? 1 : out[out.size() - 2], out.back()};
  Dims padding;
  std::int64_t extra = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t in = x->type().sizes[2 + i];
    const std::int64_t reach = (out_size[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
    const std::int64_t end = std::max(pads[i], reach - in - pads[i]);
    extra = std::max(extra, end - pads[i]);
    padding.push_back(pads[i]);
    padding.push_back(end);
  }
  if (include_pad && extra > 0) {
    // The padding that was asked for counts, the overhang of ceil_mode does not: make the former real zeros.
    x = site.pad(x, {0, 0, 0, 0, pads[0], pads[0], pads[1], pads[1]}, 0);
    padding = {0, padding[1] - pads[0], 0, padding[3] - pads[1]};
    include_pad = false;
  }
  ir::Value* y = site.record("pool", {x},
                             {{"mode", std::string(mode)},
                              {"kernel", kernel},
                              {"stride", stride},
                              {"padding", padding},
                              {"dilation", dilation},
                              {"count_include_pad", include_pad},
                              {"divisor", site.integer("divisor_override", 0)}});
  Values results = {site.reshape(y, out)};
  results.resize(site.node().outputs().size(), nullptr);
  return results;
}

Values adaptive(Site& site, const char* mode, bool one_dimensional) {
  ir::Value* x = as_image(site, one_dimensional);
  const Dims out = site.out().sizes;
  const std::int64_t h = one_dimensional ? 1 : out[out.size() - 2], w = out.back();
  const std::int64_t in_h = x->type().sizes[2], in_w = x->type().sizes[3];
  const std::string name = mode;
  ir::Value* y = nullptr;
  if (h == 1 && w == 1)
    y = site.reduce(x, name == "avg" ? "mean" : "max", {2, 3}, true);
  else if (h == in_h && w == in_w)
    y = x;
  else if (h > 0 && w > 0 && in_h % h == 0 && in_w % w == 0)
    y = site.record("pool", {x},
                    {{"mode", name},
                     {"kernel", Dims{in_h / h, in_w / w}},
                     {"stride", Dims{in_h / h, in_w / w}},
                     {"padding", Dims{0, 0, 0, 0}},
                     {"dilation", Dims{1, 1}},
                     {"count_include_pad", false},
                     {"divisor", std::int64_t{0}}});
  else
    y = site.adaptive_pool(x, name, h, w);
  Values results = {site.reshape(y, out)};
  results.resize(site.node().outputs().size(), nullptr);
  return results;
}

}  // namespace

std::span<const Rule> pool_rules() {
  static constexpr Rule kRules[] = {
      {"max_pool1d", [](Site& s) { return pool(s, "max", true); }},
      {"max_pool2d", [](Site& s) { return pool(s, "max", false); }},
      {"max_pool2d_with_indices", [](Site& s) { return pool(s, "max", false); }},
      {"avg_pool1d", [](Site& s) { return pool(s, "avg", true); }},
      {"avg_pool2d", [](Site& s) { return pool(s, "avg", false); }},
      {"adaptive_avg_pool1d", [](Site& s) { return adaptive(s, "avg", true); }},
      {"adaptive_avg_pool2d", [](Site& s) { return adaptive(s, "avg", false); }},
      {"adaptive_max_pool1d", [](Site& s) { return adaptive(s, "max", true); }},
      {"adaptive_max_pool2d", [](Site& s) { return adaptive(s, "max", false); }},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
