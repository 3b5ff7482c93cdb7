// Colours and widths: what canvases must agree on.

#include <array>
#include <cstddef>

#include "report/canvas.h"

namespace wherry::report {
namespace {

/// Of DejaVu Sans and its bold from ' ' to '~', in thousandths of the size.
constexpr std::array<short, 95> kRegular = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};
constexpr std::array<short, 95> kBold = {
    348, 456,  521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415,  380, 365, 696, 696,  696,
    696, 696,  696, 696, 696, 696,  696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830,  683,
    683, 821,  837, 372, 372, 775,  637, 995, 837, 850, 733, 850, 770, 720,  682, 812, 774, 1103, 771,
    724, 725,  457, 365, 457, 838,  500, 500, 675, 716, 593, 716, 678, 435,  716, 712, 343, 343,  665,
    343, 1042, 712, 687, 716, 716,  493, 595, 478, 712, 652, 924, 645, 652,  582, 712, 365, 712,  838};
constexpr double kOther = 1000;  ///< signs, and the wide characters of East Asia

/// Bytes of the well-formed UTF-8 sequence that begins at `at`; 0 where there is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at), second = byte(at + 1);
  const auto continues = [&](std::size_t i) { return (byte(at + i) & 0xc0U) == 0x80U; };
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0, surrogate = first == 0xed && second > 0x9f;
    const bool none = first == 0xef && second == 0xbf && byte(at + 2) >= 0xbe;  // U+FFFE and U+FFFF, which XML refuses
    return continues(1) && continues(2) && !overlong && !surrogate && !none ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90, beyond = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

Paint fill_paint(std::size_t index) {
  return static_cast<Paint>(static_cast<std::size_t>(Paint::fill0) + index % kFills);
}

Shades shades_of(Paint paint) {
  switch (paint) {
    case Paint::paper: return {{255, 255, 255}, {20, 23, 28}};
    case Paint::ink: return {{28, 33, 43}, {233, 236, 241}};
    case Paint::muted: return {{92, 99, 112}, {156, 164, 178}};
    case Paint::rule: return {{222, 225, 230}, {52, 58, 68}};
    case Paint::neutral: return {{168, 175, 186}, {98, 107, 121}};
    case Paint::fill0: return {{31, 95, 168}, {92, 156, 230}};
    case Paint::fill1: return {{236, 158, 60}, {240, 173, 90}};
    case Paint::fill2: return {{20, 125, 110}, {60, 178, 158}};
    case Paint::fill3: return {{178, 60, 92}, {230, 118, 148}};
    case Paint::fill4: return {{118, 184, 222}, {158, 208, 236}};
    case Paint::fill5: return {{112, 76, 160}, {170, 140, 220}};
  }
  return {};
}

double text_width(std::string_view text, double size, bool bold) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      width += (bold ? kBold : kRegular)[byte - 0x20];
    else if ((byte & 0xc0U) != 0x80U)
      width += kOther;
  }
  return width * size / 1000;
}

std::string clean_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = sequence_at(text, i);
    const auto first = static_cast<unsigned char>(text[i]);
    const bool c1 = bytes == 2 && first == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (bytes == 0)
      out += "\xef\xbf\xbd";
    else if (first < 0x20 || first == 0x7f || c1)
      out += ' ';
    else
      out += text.substr(i, bytes);
    i += bytes == 0 ? 1 : bytes;
  }
  return out;
}

}  // namespace wherry::report
