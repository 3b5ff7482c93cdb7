#pragma once
// Lines of text that tokenisers disagree about (odd_text.py says what is in them).

#include <cstdint>
#include <string>

namespace wherry::text {

/// UTF-8, the same for the same number.
std::string odd_line(std::uint64_t number);

}  // namespace wherry::text
