#pragma once
// What a picture is drawn on, whatever file it becomes. Coordinates are in units of 1/96 inch from the upper left.
// Colours are roles, so that a file can say what they are in light and in dark.

#include <cstdint>
#include <string>
#include <string_view>

namespace wherry::report {

/// `paper` is the background; `ink` and `muted` are for text; `rule` for lines behind the bars; `neutral` and the
/// numbered ones fill bars.
enum class Paint : std::uint8_t { paper, ink, muted, rule, neutral, fill0, fill1, fill2, fill3, fill4, fill5 };
inline constexpr int kFills = 6;
/// fill0 to fill5, and from the start again.
Paint fill_paint(std::size_t index);

struct Rgb {
  std::uint8_t red, green, blue;
};
struct Shades {
  Rgb light, dark;
};
/// Fills differ in lightness too, so that they stay apart in grey and for colour-blind eyes.
Shades shades_of(Paint paint);

enum class Anchor : std::uint8_t { start, middle, end };

struct TextStyle {
  double size = 12;
  bool bold = false;
  Paint paint = Paint::ink;
  Anchor anchor = Anchor::start;
};

/// An upper estimate, by the widths of DejaVu Sans, which is wider than most: what is laid out by it fits in other
/// fonts too. The canvases of a chart agree in it, so they agree in layout.
double text_width(std::string_view text, double size, bool bold = false);

/// Bytes that are no UTF-8 become U+FFFD, control characters blanks.
std::string clean_text(std::string_view text);

class Canvas {
 public:
  virtual ~Canvas() = default;

  /// Filled; `hatched`: in stripes with an outline, for what was not measured.
  virtual void rectangle(double x, double y, double width, double height, Paint paint, bool hatched) = 0;
  virtual void line(double x1, double y1, double x2, double y2, Paint paint, double width, bool dashed) = 0;
  /// (x, y): on the baseline, at the anchor.
  virtual void text(double x, double y, std::string_view text, const TextStyle& style) = 0;

  /// The file's bytes; the last call.
  virtual std::string finish() = 0;
};

}  // namespace wherry::report
