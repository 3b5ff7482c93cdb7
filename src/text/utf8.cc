// The table of RFC 3629, section 4: which second bytes may follow a first one.

#include "text/utf8.h"

namespace wherry::text {
namespace {

struct Form {
  std::size_t length = 0;  ///< 0: this byte begins nothing
  unsigned char second_least = 0x80;
  unsigned char second_most = 0xbf;
};

Form form_of(unsigned char first) {
  if (first < 0x80) return {1};
  if (first < 0xc2) return {0};
  if (first < 0xe0) return {2};
  if (first == 0xe0) return {3, 0xa0};
  if (first == 0xed) return {3, 0x80, 0x9f};
  if (first < 0xf0) return {3};
  if (first == 0xf0) return {4, 0x90};
  if (first < 0xf4) return {4};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

}  // namespace

std::optional<std::size_t> invalid_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const Form form = form_of(byte(i));
    if (form.length == 0 || form.length > text.size() - i) return i;
    if (form.length > 1 && (byte(i + 1) < form.second_least || byte(i + 1) > form.second_most)) return i;
    for (std::size_t k = 2; k < form.length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return i;
    i += form.length;
  }
  return std::nullopt;
}

}  // namespace wherry::text
