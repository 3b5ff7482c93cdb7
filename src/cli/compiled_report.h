#pragma once
// What a compiled model holds, as `wherry compile` and `wherry inspect` both show it.

#include <string>

#include "cli/json_text.h"
#include "wherry/compiled.h"

namespace wherry::cli {

/// "54 packed weights (97.5 MB), …"
std::string contents_of(const CompiledInfo& info);
Json json_of(const CompiledInfo& info);

}  // namespace wherry::cli
