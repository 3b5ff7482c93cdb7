// Lists lose their brackets and spaces.

#include "cli/step_shape.h"

namespace wherry::cli {

std::string compact_shape(std::string_view shape) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '[' || shape[i] == ']') {
      inside = shape[i] == '[';
      if (inside && shape.substr(i, 2) == "[]") out += "scalar";
    } else if (inside && shape[i] == ',') {
      out += 'x';
    } else if (!inside && shape.substr(i, 3) == " x ") {
      out += '*';
      i += 2;
    } else if (shape[i] != ' ') {
      out += shape[i];
    }
  }
  return out;
}

}  // namespace wherry::cli
