#pragma once
// Classes of modules, for models that come without code: what owns weights of its own is known by its op.

#include <string>
#include <string_view>

namespace wherry::import {

/// torch.nn's class of the module that runs this ATen op on weights of its own; empty for other ops.
std::string module_type(std::string_view op);

}  // namespace wherry::import
