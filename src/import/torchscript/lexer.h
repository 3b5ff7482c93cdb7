#pragma once
// Splits the source in a TorchScript archive's code/ folder into tokens. The language is the subset of Python that
// PyTorch prints; indentation becomes Indent and Dedent tokens, so that the parser never sees white space.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::import::torchscript {

enum class TokenKind : std::uint8_t { name, integer, floating, text, symbol, newline, indent, dedent, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t offset = 0;   ///< of the first byte, from the start of the file
  std::string_view spelling;  ///< name or symbol, a slice of the source
  std::string text;           ///< a string literal's value, escapes resolved
  std::int64_t integer = 0;
  double number = 0;
};

/// The tokens of `source`, ended by one `end`. `file` is used in messages. Throws InvalidModel, with file and line,
/// where a byte starts no token, a string or bracket stays open, a number does not fit, or an indentation matches no
/// block.
std::vector<Token> tokenize(std::string_view source, std::string_view file);

/// 1-based line of a byte offset.
int line_of(std::string_view source, std::size_t offset);

}  // namespace wherry::import::torchscript
