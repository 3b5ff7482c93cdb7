#include "import/module_type.h"

#include <utility>

namespace wherry::import {

std::string module_type(std::string_view op) {
  constexpr std::pair<std::string_view, const char*> kTypes[] = {
      {"aten::conv2d", "Conv2d"},        {"aten::batch_norm", "BatchNorm2d"}, {"aten::linear", "Linear"},
      {"aten::layer_norm", "LayerNorm"}, {"aten::embedding", "Embedding"},
  };
  for (const auto& [known, type] : kTypes)
    if (op == known) return type;
  return {};
}

}  // namespace wherry::import
