#pragma once
// What stands on top of an encoder for a task, with outputs named as transformers names them.

#include <string>
#include <vector>

#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {

struct NamedValue {
  std::string name;
  ir::Value* value;
};

/// The outputs of config.head for the encoder's last hidden state, in transformers' order. Where the hidden
/// states are [count, hidden_size], of positions, a masked LM's and a sequence classifier's are [count, …] too.
std::vector<NamedValue> record_head(LayerRecorder& layers, const Config& config, ir::Value* hidden);

}  // namespace wherry::import::huggingface
