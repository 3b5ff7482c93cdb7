#pragma once
// Whether bytes are UTF-8: what a tokenizer is given must be.

#include <cstddef>
#include <optional>
#include <string_view>

namespace wherry::text {

/// Offset of the first byte that begins no code point's only valid encoding (RFC 3629: no overlong forms, no
/// surrogates, nothing past U+10FFFF, nothing cut short); empty for UTF-8.
std::optional<std::size_t> invalid_utf8(std::string_view text);

}  // namespace wherry::text
