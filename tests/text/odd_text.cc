// The twin of odd_text.py, so that tests need no Python; a golden hash says that both make the same lines.

#include "odd_text.h"

#include <cstdint>
#include <iterator>
#include <utility>

namespace wherry::text {
namespace {

constexpr std::pair<std::uint32_t, std::uint32_t> kRanges[] = {
    {0x20, 0x7E},       {0x41, 0x5A},       {0x61, 0x7A},       {0x30, 0x39},       {0x0, 0x1F},
    {0x7F, 0xA0},       {0xA1, 0xBF},       {0xC0, 0x17F},      {0x180, 0x24F},     {0x250, 0x2AF},
    {0x300, 0x36F},     {0x370, 0x3FF},     {0x400, 0x4FF},     {0x531, 0x587},     {0x591, 0x5F4},
    {0x600, 0x6FF},     {0x900, 0x97F},     {0xE01, 0xE5B},     {0x10A0, 0x10FF},   {0x1100, 0x11FF},
    {0x13A0, 0x13FD},   {0x1E00, 0x1EFF},   {0x1F00, 0x1FFF},   {0x2000, 0x200F},   {0x2010, 0x2027},
    {0x2028, 0x206F},   {0x2070, 0x209C},   {0x20A0, 0x20C0},   {0x2100, 0x218B},   {0x2190, 0x23FF},
    {0x2460, 0x24FF},   {0x3000, 0x303F},   {0x3041, 0x30FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
    {0xA640, 0xA69F},   {0xAC00, 0xD7A3},   {0xD7B0, 0xDFFF},   {0xE000, 0xF8FF},   {0xF900, 0xFAFF},
    {0xFB00, 0xFB4F},   {0xFE00, 0xFE0F},   {0xFE30, 0xFE4F},   {0xFF00, 0xFFEF},   {0xFFF0, 0xFFFF},
    {0x10000, 0x100FF}, {0x10400, 0x1044F}, {0x1D400, 0x1D7FF}, {0x1E900, 0x1E95F}, {0x1F1E6, 0x1F1FF},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x2A6DF}, {0x2F800, 0x2FA1F},
    {0xE0000, 0xE007F}, {0xE0100, 0xE01EF}, {0xF0000, 0xF00FF}, {0x0, 0x10FFFF}};

const std::string kWords[] = {"the",
                              "Paris",
                              "unbelievable",
                              "don't",
                              "I'LL",
                              "it 's",
                              "100",
                              "3.14",
                              "1,000",
                              "a",
                              "...",
                              "--",
                              "!?",
                              "[MASK]",
                              "<mask>",
                              "[CLS]",
                              "</s>",
                              "<s>",
                              "[SEP]",
                              "[PAD]",
                              "<pad>",
                              "<unk>",
                              "[UNK]",
                              "[mask]",
                              "<Mask>",
                              "##ing",
                              "\u0120the",
                              std::string(101, 'x'),
                              "na\u00efve",
                              "nai\u0308ve",
                              "\u0130stanbul",
                              "Stra\u00dfe",
                              "STRASSE",
                              "\ufb01ne",
                              "\u1e9e",
                              "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
                              "\u01c5",
                              "\u0345",
                              "e\u0301\u0323",
                              "\u1ea5",
                              "\u4f60\u597d",
                              "\uc548\ub155",
                              "\u1112\u1161\u11ab",
                              "\u0e19\u0e49\u0e33",
                              "\u0928\u092e\u0938\u094d",
                              "\U0001f468\u200d\U0001f469\u200d\U0001f467",
                              "\U0001f1eb\U0001f1f7",
                              "\u2764\ufe0f",
                              "1\ufe0f\u20e3",
                              "\u00b2\u00b3\u00bc",
                              "\u0663\u0664",
                              "\u2167",
                              "\u202eabc\u202c",
                              "\ufeff",
                              "\ufffd",
                              std::string(1, '\0'),
                              "\t",
                              "\r\n",
                              "\n"};

const std::string kSeparators[] = {" ",      " ",      " ",      "  ", "\u00a0", "\u3000",
                                   "\u200b", "\u2003", "\u200d", "-",  "'",      "\t"};

constexpr std::uint32_t kReplacement = 0xFFFD;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t count) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33) % count;
  }

 private:
  std::uint64_t state_;
};

void append_utf8(std::string& text, std::uint32_t code) {
  const auto add = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

}  // namespace

std::string odd_line(std::uint64_t number) {
  Generator random(number);
  std::string line;
  const std::uint64_t pieces = 1 + random.below(12);
  for (std::uint64_t piece = 0; piece < pieces; ++piece) {
    const std::uint64_t kind = random.below(std::size(kRanges) + 40);
    if (kind < std::size(kRanges)) {
      const auto [first, last] = kRanges[kind];
      const std::uint64_t count = 1 + random.below(8);
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto code = static_cast<std::uint32_t>(first + random.below(last - first + 1));
        append_utf8(line, code >= 0xD800 && code <= 0xDFFF ? kReplacement : code);
      }
    } else {
      line += kWords[random.below(std::size(kWords))];
    }
    if (random.below(3) != 0) line += kSeparators[random.below(std::size(kSeparators))];
  }
  return line;
}

}  // namespace wherry::text
