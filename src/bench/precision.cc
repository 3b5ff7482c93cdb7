// Modules are tried alone, worst first, so what is kept is little; how many are needed is found by halving.

#include "bench/precision.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace wherry::bench {
namespace {

class Comparison {
 public:
  Comparison(const Load& load, const Options& options, std::span<const Tensor> inputs)
      : load_(load), options_(options), inputs_(inputs) {}

  Model load(Precision precision, std::vector<std::string> keep_fp32 = {}) const {
    Options options = options_;
    options.precision = precision;
    options.keep_fp32 = std::move(keep_fp32);
    return load_(options);
  }

  /// The model's outputs and its layers in fp32 against bf16.
  PrecisionComparison layers() {
    PrecisionComparison found;
    const Model exact = load(Precision::fp32), rounded = load(Precision::bf16);
    if (const ModelInfo info = rounded.describe(); info.precision != "bf16")
      base::fail<InvalidInput>("{}", info.precision_note);
    const std::vector<LayerOutput> expected = exact.layer_outputs(inputs_, &expected_);
    std::vector<Tensor> outputs;
    const std::vector<LayerOutput> layers = rounded.layer_outputs(inputs_, &outputs);
    // The last pass alone knows of bf16, and it neither adds nor removes products.
    WHERRY_CHECK_EQ(layers.size(), expected.size());
    std::map<std::string, std::size_t> by_module;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto [at, added] = by_module.try_emplace(layers[i].module, found.layers.size());
      if (added) {
        LayerPrecision& fresh = found.layers.emplace_back();
        fresh.module = layers[i].module;
        fresh.op = layers[i].op;
      }
      LayerPrecision& layer = found.layers[at->second];
      ++layer.count;
      layer.bf16 = layer.bf16 || layers[i].precision == "bf16";
      compare(std::span(&layers[i].value, 1), std::span(&expected[i].value, 1), {}, layer.whole);
    }
    found.all = agreement(outputs);
    return found;
  }

  Agreement with(const std::vector<std::string>& keep_fp32) const {
    return agreement(load(Precision::bf16, keep_fp32).run(inputs_));
  }

 private:
  Agreement agreement(const std::vector<Tensor>& outputs) const {
    Agreement found;
    compare(outputs, expected_, {}, found);
    return found;
  }

  const Load& load_;
  const Options& options_;
  std::span<const Tensor> inputs_;
  std::vector<Tensor> expected_;
};

}  // namespace

PrecisionComparison compare_precision(const Load& load, const Options& options, std::span<const Tensor> inputs,
                                      const PrecisionSettings& settings,
                                      const std::function<void(std::string_view, double)>& on_progress) {
  const auto tell = [&](std::string_view stage, double done) {
    if (on_progress) on_progress(stage, done);
  };
  tell("comparing layers", 0);
  Comparison comparison(load, options, inputs);
  PrecisionComparison found = comparison.layers();
  found.chosen = found.all;
  const bool bounded = settings.max_error >= 0;
  const auto holds = [&](const Agreement& agreement) { return agreement.max_rel_error <= settings.max_error; };
  const bool choose = bounded && !holds(found.all);
  if (!settings.alone && !choose) return found;

  std::vector<std::string> modules;
  for (const LayerPrecision& layer : found.layers)
    if (layer.bf16) modules.push_back(layer.module);
  std::size_t measured = 0;
  for (LayerPrecision& layer : found.layers) {
    if (!layer.bf16) continue;
    tell("trying each module alone", static_cast<double>(measured++) / static_cast<double>(modules.size()));
    std::vector<std::string> others;
    std::copy_if(modules.begin(), modules.end(), std::back_inserter(others),
                 [&](const std::string& module) { return module != layer.module; });
    layer.alone = comparison.with(others).max_rel_error;
  }
  if (!choose) return found;

  std::vector<const LayerPrecision*> worst;
  for (const LayerPrecision& layer : found.layers)
    if (layer.bf16) worst.push_back(&layer);
  std::stable_sort(worst.begin(), worst.end(), [](const auto* a, const auto* b) { return a->alone > b->alone; });
  const auto first = [&](std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back(worst[i]->module);
    return names;
  };
  // Too few below `low`, enough at `high`: all of them is fp32.
  std::size_t low = 0, high = worst.size();
  Agreement chosen = comparison.with(first(high));
  if (!holds(chosen))
    base::fail<InvalidInput>("--max-error {}: with every layer in fp32 the error is still {:.2g}", settings.max_error,
                             chosen.max_rel_error);
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    tell("choosing layers", 1 - static_cast<double>(high - low) / static_cast<double>(worst.size()));
    const Agreement agreement = comparison.with(first(middle));
    if (holds(agreement)) {
      high = middle;
      chosen = agreement;
    } else {
      low = middle;
    }
  }
  found.keep_fp32 = first(high);
  found.chosen = chosen;
  for (LayerPrecision& layer : found.layers)
    layer.bf16 =
        layer.bf16 && std::find(found.keep_fp32.begin(), found.keep_fp32.end(), layer.module) == found.keep_fp32.end();
  return found;
}

}  // namespace wherry::bench
