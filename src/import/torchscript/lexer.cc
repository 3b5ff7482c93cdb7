#include "import/torchscript/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace wherry::import::torchscript {
namespace {

constexpr std::size_t kMaxIndents = 100;
constexpr std::size_t kMaxBrackets = 200;

// Longest first, so that "->" is not read as "-" and ">".
constexpr std::array<std::string_view, 38> kSymbols = {
    "**=", "//=", "->", "**", "//", "==", "!=", "<=", ">=", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "(", ")", "[",
    "]",   "{",   "}",  ",",  ":",  ".",  "=",  "<",  ">",  "+",  "-",  "*",  "/",  "%",  "&",  "|",  "^", "~", "@"};

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view file) : source_(source), file_(file) {}

  std::vector<Token> run() {
    if (source_.size() > UINT32_MAX) fail("the file is larger than 4 GiB");
    tokens_.reserve(source_.size() / 4 + 8);
    bool line_start = true;
    while (true) {
      if (line_start) {
        line_start = false;
        if (!read_indentation()) continue_blank_ = true;
      }
      if (at_ >= source_.size()) break;
      const char c = source_[at_];
      if (c == '#') {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      } else if (c == '\n') {
        if (brackets_.empty()) {
          if (!continue_blank_) add(TokenKind::newline, at_, 1);
          continue_blank_ = false;
          line_start = true;
        }
        ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == '\\' && at_ + 1 < source_.size() && source_[at_ + 1] == '\n') {
        at_ += 2;
      } else {
        read_token(c);
      }
    }
    if (!brackets_.empty()) fail(fmt::format("\"{}\" is never closed", brackets_.back()));
    if (!tokens_.empty() && tokens_.back().kind != TokenKind::newline && tokens_.back().kind != TokenKind::dedent) {
      add(TokenKind::newline, at_, 0);
    }
    for (; indents_.size() > 1; indents_.pop_back()) add(TokenKind::dedent, at_, 0);
    add(TokenKind::end, at_, 0);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    base::fail<InvalidModel>("{}:{}: {}", file_, line_of(source_, at_), what);
  }

  Token& add(TokenKind kind, std::size_t start, std::size_t length) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.offset = static_cast<std::uint32_t>(start);
    token.spelling = source_.substr(start, length);
    return token;
  }

  // Reads the white space a line opens with; false where nothing else stands on the line.
  bool read_indentation() {
    std::size_t width = 0;
    while (at_ < source_.size() && (source_[at_] == ' ' || source_[at_] == '\t' || source_[at_] == '\r')) {
      width += source_[at_] == '\t' ? 8 - width % 8 : 1;
      ++at_;
    }
    if (at_ >= source_.size() || source_[at_] == '\n' || source_[at_] == '#') return false;
    if (width > indents_.back()) {
      if (indents_.size() >= kMaxIndents) fail(fmt::format("blocks nested more than {} deep", kMaxIndents));
      indents_.push_back(width);
      add(TokenKind::indent, at_, 0);
    }
    while (width < indents_.back()) {
      indents_.pop_back();
      add(TokenKind::dedent, at_, 0);
    }
    if (width != indents_.back()) fail("the indentation matches no enclosing block");
    return true;
  }

  void read_token(char c) {
    const std::size_t start = at_;
    if (is_name_start(c)) {
      while (at_ < source_.size() && (is_name_start(source_[at_]) || is_digit(source_[at_]))) ++at_;
      add(TokenKind::name, start, at_ - start);
    } else if (is_digit(c) || (c == '.' && start + 1 < source_.size() && is_digit(source_[start + 1]))) {
      read_number();
    } else if (c == '"' || c == '\'') {
      read_text(c);
    } else {
      read_symbol(c);
    }
  }

  void read_symbol(char c) {
    for (const std::string_view symbol : kSymbols) {
      if (symbol[0] != c || source_.substr(at_, symbol.size()) != symbol) continue;
      if (c == '(' || c == '[' || c == '{') {
        if (brackets_.size() >= kMaxBrackets) fail(fmt::format("brackets nested more than {} deep", kMaxBrackets));
        brackets_.push_back(c);
      } else if (c == ')' || c == ']' || c == '}') {
        const char open = c == ')' ? '(' : c == ']' ? '[' : '{';
        if (brackets_.empty() || brackets_.back() != open) fail(fmt::format("\"{}\" closes nothing", c));
        brackets_.pop_back();
      }
      add(TokenKind::symbol, at_, symbol.size());
      at_ += symbol.size();
      return;
    }
    fail(fmt::format("found byte 0x{:02x}, expected a name, a number, a string or an operator",
                     static_cast<unsigned>(static_cast<unsigned char>(c))));
  }

  void read_number() {
    const std::size_t start = at_;
    bool floating = false;
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == '.') {
        floating = true;
      } else if (c == 'e' || c == 'E') {
        floating = true;
        if (at_ + 1 < source_.size() && (source_[at_ + 1] == '-' || source_[at_ + 1] == '+')) ++at_;
      } else if (!is_digit(c)) {
        break;
      }
      ++at_;
    }
    const std::string_view digits = source_.substr(start, at_ - start);
    if (at_ < source_.size() && source_[at_] == 'j') {
      base::fail<Unsupported>("{}:{}: a complex number; wherry has real numbers only", file_, line_of(source_, at_));
    }
    Token& token = add(floating ? TokenKind::floating : TokenKind::integer, start, digits.size());
    const char* end = digits.data() + digits.size();
    if (floating) {
      const auto [stop, error] = std::from_chars(digits.data(), end, token.number);
      // Out of range is not damage: 1e999 is infinity in Python too.
      if (error == std::errc::result_out_of_range) {
        token.number = digits.find('-') == std::string_view::npos ? HUGE_VAL : 0.0;
      } else if (error != std::errc() || stop != end) {
        fail(fmt::format("\"{}\" is no number", digits));
      }
    } else {
      // One past the largest integer is let through as its negation, which is how Python writes the smallest one.
      std::uint64_t value = 0;
      const auto [stop, error] = std::from_chars(digits.data(), end, value);
      if (error != std::errc() || stop != end || value > (std::uint64_t{1} << 63)) {
        fail(fmt::format("\"{}\" is no 64-bit integer", digits));
      }
      token.integer = static_cast<std::int64_t>(value);
    }
  }

  void read_text(char quote) {
    const std::size_t start = at_++;
    std::string text;
    while (true) {
      if (at_ >= source_.size() || source_[at_] == '\n') fail("a string is never closed");
      const char c = source_[at_++];
      if (c == quote) break;
      if (c == '\\') {
        read_escape(text);
      } else {
        text += c;
      }
    }
    add(TokenKind::text, start, at_ - start).text = std::move(text);
  }

  void read_escape(std::string& text) {
    if (at_ >= source_.size()) fail("a string is never closed");
    const char c = source_[at_++];
    constexpr std::string_view kLetters = "abfnrtv\\'\"";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
    if (const std::size_t i = kLetters.find(c); i != std::string_view::npos) {
      text += kMeanings[i];
      return;
    }
    const int base = c == 'x' ? 16 : 8;
    const std::size_t first = c == 'x' ? at_ : at_ - 1;
    const std::size_t most = c == 'x' ? 2 : 3;
    unsigned code = 0;
    const char* begin = source_.data() + first;
    const char* end = begin + std::min(most, source_.size() - first);
    const auto [stop, error] = std::from_chars(begin, end, code, base);
    if (error != std::errc() || code > 255) fail(fmt::format("\"\\{}\" is no escape sequence", c));
    at_ = first + static_cast<std::size_t>(stop - begin);
    text += static_cast<char>(code);
  }

  std::string_view source_;
  std::string_view file_;
  std::size_t at_ = 0;
  bool continue_blank_ = false;  // the current line holds white space or a comment only
  std::vector<std::size_t> indents_ = {0};
  std::vector<char> brackets_;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, std::string_view file) { return Lexer(source, file).run(); }

int line_of(std::string_view source, std::size_t offset) {
  const auto end = source.begin() + static_cast<std::ptrdiff_t>(std::min(offset, source.size()));
  return static_cast<int>(std::count(source.begin(), end, '\n')) + 1;
}

}  // namespace wherry::import::torchscript
