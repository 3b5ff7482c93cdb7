// The guard is a null byte: it ends an argument, so none has one inside.

#include "cli/brackets.h"

#include <algorithm>
#include <string_view>

namespace wherry::cli {

std::vector<std::string> guarded_arguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string_view command = arguments.empty() ? std::string_view() : arguments.front();
  if (command == "classify-text" || command == "fill-mask" || command == "embed") {
    for (std::string& argument : arguments)
      if (argument.starts_with('[') && argument.ends_with(']')) argument += '\0';
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

void unguard(std::string& value) {
  if (value.ends_with('\0')) value.pop_back();
}

}  // namespace wherry::cli
