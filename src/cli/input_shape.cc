// Parsing shapes as people type them.

#include "cli/input_shape.h"

#include <charconv>

#include "base/check.h"

namespace wherry::cli {

InputShape parse_input_shape(std::string_view text) {
  const std::string whole(text);
  const auto refuse = [&](std::string_view why) {
    base::fail<InvalidInput>("--input {}: {}; a shape such as 1x3x224x224 or 1x128:int64 is expected", whole, why);
  };
  InputShape shape;
  if (const auto equals = text.find('='); equals != text.npos) {
    shape.name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    if (shape.name.empty()) refuse("the name before '=' is empty");
  }
  if (const auto colon = text.find(':'); colon != text.npos) {
    shape.dtype = dtype_from_name(text.substr(colon + 1));
    if (!shape.dtype) refuse("'" + std::string(text.substr(colon + 1)) + "' is no element type");
    text = text.substr(0, colon);
  }
  if (text == "scalar") return shape;
  for (bool more = true; more;) {
    const auto end = text.find_first_of("xX,");
    const std::string_view number = text.substr(0, end);
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), size);
    if (error != std::errc{} || stop != number.data() + number.size() || size < 0)
      refuse(number.empty() ? "a size is missing" : "'" + std::string(number) + "' is no size");
    shape.sizes.push_back(size);
    more = end != text.npos;
    if (more) text.remove_prefix(end + 1);
  }
  constexpr std::int64_t kMostElements = std::int64_t{1} << 34;
  if (element_count(shape.sizes) > kMostElements) refuse("has more than 2^34 elements");
  return shape;
}

}  // namespace wherry::cli
