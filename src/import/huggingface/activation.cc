#include "import/huggingface/activation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "import/huggingface/layer_recorder.h"

namespace wherry::import::huggingface {
namespace {

/// One activation being recorded: each call is an op at the same place of the model.
class Recording {
 public:
  Recording(LayerRecorder& layers, const std::string& path) : layers_(layers), path_(path) {}

  ir::Value* op(std::string_view name, ir::Value* x, ir::Attributes attributes = {}) {
    return layers_.record("aten::" + std::string(name), {x}, std::move(attributes), path_);
  }
  ir::Value* gelu(ir::Value* x, const char* approximate) {
    return op("gelu", x, {{"approximate", std::string(approximate)}});
  }
  ir::Value* mul(ir::Value* a, ir::Value* b) { return layers_.record("aten::mul", {a, b}, {}, path_); }
  ir::Value* scaled(ir::Value* x, double factor) { return op("mul", x, {{"other", factor}}); }
  ir::Value* plus(ir::Value* x, double term) { return op("add", x, {{"other", term}, {"alpha", std::int64_t{1}}}); }

 private:
  LayerRecorder& layers_;
  const std::string& path_;
};

using Function = ir::Value* (*)(Recording&, ir::Value*);

struct Activation {
  std::string_view name;
  Function record;
};

ir::Value* gelu(Recording& r, ir::Value* x) { return r.gelu(x, "none"); }
/// Four spellings of ½x(1 + tanh(√(2/π)(x + 0.044715x³))); they differ in the last bits of the constants.
ir::Value* gelu_tanh(Recording& r, ir::Value* x) { return r.gelu(x, "tanh"); }
ir::Value* silu(Recording& r, ir::Value* x) { return r.op("silu", x); }

/// Φ with the mean and deviation that make it close to relu² (Ma et al. 2022, "Mega").
ir::Value* laplace(Recording& r, ir::Value* x) {
  constexpr double kMean = 0.707107, kDeviation = 0.282095;
  ir::Value* y = r.scaled(r.plus(x, -kMean), 1 / (kDeviation * std::numbers::sqrt2));
  return r.scaled(r.plus(r.op("erf", y), 1), 0.5);
}

constexpr std::array kActivations = {
    Activation{"gelu", gelu},
    Activation{"gelu_python", gelu},
    Activation{"gelu_new", gelu_tanh},
    Activation{"gelu_fast", gelu_tanh},
    Activation{"gelu_pytorch_tanh", gelu_tanh},
    Activation{"gelu_python_tanh", gelu_tanh},
    Activation{"gelu_accurate", gelu_tanh},
    Activation{"gelu_10",
               [](Recording& r, ir::Value* x) { return r.op("clamp", gelu(r, x), {{"min", -10.0}, {"max", 10.0}}); }},
    Activation{"quick_gelu", [](Recording& r, ir::Value* x) { return r.mul(x, r.op("sigmoid", r.scaled(x, 1.702))); }},
    Activation{"relu", [](Recording& r, ir::Value* x) { return r.op("relu", x); }},
    Activation{"relu2", [](Recording& r, ir::Value* x) { return r.op("square", r.op("relu", x)); }},
    Activation{"relu6", [](Recording& r, ir::Value* x) { return r.op("relu6", x); }},
    Activation{"silu", silu},
    Activation{"swish", silu},
    Activation{"tanh", [](Recording& r, ir::Value* x) { return r.op("tanh", x); }},
    Activation{"sigmoid", [](Recording& r, ir::Value* x) { return r.op("sigmoid", x); }},
    Activation{"mish", [](Recording& r, ir::Value* x) { return r.op("mish", x); }},
    Activation{"hardswish", [](Recording& r, ir::Value* x) { return r.op("hardswish", x); }},
    Activation{"leaky_relu",
               [](Recording& r, ir::Value* x) { return r.op("leaky_relu", x, {{"negative_slope", 0.01}}); }},
    Activation{"sqrtsoftplus",
               [](Recording& r, ir::Value* x) {
                 return r.op("sqrt", r.op("softplus", x, {{"beta", std::int64_t{1}}, {"threshold", std::int64_t{20}}}));
               }},
    Activation{"laplace", laplace},
    Activation{"linear", [](Recording&, ir::Value* x) { return x; }},
};

const Activation* find(std::string_view name) {
  const auto found =
      std::find_if(kActivations.begin(), kActivations.end(), [&](const Activation& a) { return a.name == name; });
  return found == kActivations.end() ? nullptr : &*found;
}

}  // namespace

bool is_activation(std::string_view name) { return find(name) != nullptr; }

std::string activation_names() {
  std::string names;
  for (const Activation& each : kActivations) names += (names.empty() ? "" : ", ") + std::string(each.name);
  return names;
}

ir::Value* record_activation(LayerRecorder& layers, const std::string& path, std::string_view name, ir::Value* x) {
  const Activation* activation = find(name);
  WHERRY_CHECK(activation != nullptr);
  Recording recording(layers, path);
  return activation->record(recording, x);
}

}  // namespace wherry::import::huggingface
