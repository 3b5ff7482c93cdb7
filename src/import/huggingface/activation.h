#pragma once
// The values of "hidden_act", as transformers' activations.py defines them.

#include <string>
#include <string_view>

#include "ir/graph.h"

namespace wherry::import::huggingface {

class LayerRecorder;

bool is_activation(std::string_view name);
/// "gelu, gelu_new, …": for messages.
std::string activation_names();

/// The activation of this name, which is_activation() knows, applied to x.
ir::Value* record_activation(LayerRecorder& layers, const std::string& path, std::string_view name, ir::Value* x);

}  // namespace wherry::import::huggingface
