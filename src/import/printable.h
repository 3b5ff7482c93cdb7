#pragma once
// Text from a file, made fit for a one-line message.

#include <string>
#include <string_view>

namespace wherry::import {

/// `text` with control characters and quotes escaped, cut after `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 160);

}  // namespace wherry::import
