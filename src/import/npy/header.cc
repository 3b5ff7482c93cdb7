#include "import/npy/header.h"

#include <charconv>

#include "base/check.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  NpyHeader run() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        if (peek() != '\'' && peek() != '"') refuse("a structured array; arrays of plain numbers can be read");
        header.descr = quoted();
        descr = true;
      } else if (key == "fortran_order" && !order) {
        header.fortran_order = boolean();
        order = true;
      } else if (key == "shape" && !shape) {
        header.shape = tuple();
        shape = true;
      } else {
        refuse(fmt::format("an unexpected entry '{}'", printable(key, 40)));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) refuse("descr, fortran_order and shape are not all there");
    return header;
  }

 private:
  [[noreturn]] void refuse(std::string_view finding) const {
    base::fail<InvalidInput>("{}: the .npy header is not as NumPy writes it: {}", what_, finding);
  }

  char peek() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) refuse(fmt::format("'{}' is expected at byte {}", c, position_));
  }

  std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse(fmt::format("a quoted text is expected at byte {}", position_));
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) refuse("a quoted text has no end");
    const std::string_view inside = text_.substr(position_ + 1, end - position_ - 1);
    position_ = end + 1;
    return inside;
  }

  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (!text_.substr(position_).starts_with(word)) continue;
      position_ += word.size();
      return value;
    }
    refuse("fortran_order is neither True nor False");
  }

  Dims tuple() {
    constexpr std::size_t kMaxDims = 64;  // NumPy's own limit
    Dims sizes;
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data() + position_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0 || sizes.size() >= kMaxDims) refuse("shape is no tuple of sizes");
      position_ = static_cast<std::size_t>(end - text_.data());
      accept('L');  // Python 2's long integers
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::string_view text_;
  const std::string& what_;
  std::size_t position_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& what) { return HeaderParser(text, what).run(); }

}  // namespace wherry::import
