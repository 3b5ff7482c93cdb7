#pragma once
// From the object a checkpoint holds to its named tensors, whatever people wrapped around them.

#include <string>

#include "import/python_value.h"
#include "import/state_dict/state_dict.h"

namespace wherry::import {

/// `object` is a dict of tensors, or a dict with one under "state_dict", "model" and the like. Entries that are no
/// tensors are left out. Throws InvalidModel naming what was found instead.
StateDict state_dict_of(const PythonValue& object, std::string path);

}  // namespace wherry::import
