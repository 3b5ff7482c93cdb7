#include "base/check.h"

namespace wherry::base {

void fail_check(std::string_view condition, std::string_view values, const char* file, int line) {
  std::string_view name(file);
  const auto src = name.rfind("src/");
  if (src != std::string_view::npos) name.remove_prefix(src);
  throw InternalError(fmt::format("a bug in wherry: {}:{}: check failed: {}{}{}", name, line, condition,
                                  values.empty() ? "" : ": ", values));
}

}  // namespace wherry::base
