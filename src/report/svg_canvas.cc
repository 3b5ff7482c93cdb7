// Shapes have classes, not colours; one style sheet gives both sets of colours.

#include "report/svg_canvas.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>

namespace wherry::report {
namespace {

constexpr std::array kPaints = {Paint::paper, Paint::ink,   Paint::muted, Paint::rule,  Paint::neutral, Paint::fill0,
                                Paint::fill1, Paint::fill2, Paint::fill3, Paint::fill4, Paint::fill5};
constexpr std::array kClasses = {"paper", "ink", "muted", "rule", "neutral", "f0", "f1", "f2", "f3", "f4", "f5"};

const char* class_of(Paint paint) { return kClasses.at(static_cast<std::size_t>(paint)); }

std::string escaped(std::string_view raw) {
  std::string out;
  for (const char c : clean_text(raw)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// "12", "12.5": to a hundredth, whatever the locale.
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

/// Rules without variables, which programs other than browsers do not know.
std::string rules(bool dark) {
  std::string text;
  for (const Paint paint : kPaints) {
    const Shades shades = shades_of(paint);
    const Rgb rgb = dark ? shades.dark : shades.light;
    text += fmt::format(".{0}{{fill:#{1:02x}{2:02x}{3:02x}}}.s-{0},.h-{0}{{stroke:#{1:02x}{2:02x}{3:02x}}}\n",
                        class_of(paint), rgb.red, rgb.green, rgb.blue);
  }
  return text;
}

class SvgCanvas final : public Canvas {
 public:
  SvgCanvas(double width, double height, std::string_view title, std::string_view description) {
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
        "font-family=\"'Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif\">\n<title>{2}</title>\n"
        "<desc>{3}</desc>\n",
        number(width), number(height), escaped(title), escaped(description));
    text_ += "<style>\n" + rules(false) + "@media screen and (prefers-color-scheme:dark){\n" + rules(true) + "}\n";
    for (const Paint paint : kPaints) text_ += fmt::format(".h-{0}{{fill:url(#h-{0})}}", class_of(paint));
    text_ += "\n.b{font-weight:600}.m{text-anchor:middle}.e{text-anchor:end}\n</style>\n<defs>\n";
    for (const Paint paint : kPaints) {
      if (paint < Paint::neutral) continue;
      text_ += fmt::format(
          "<pattern id=\"h-{0}\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
          "patternTransform=\"rotate(45)\"><rect class=\"{0}\" width=\"2.2\" height=\"5\"/></pattern>\n",
          class_of(paint));
    }
    text_ += "</defs>\n";
    rectangle(0, 0, width, height, Paint::paper, false);
  }

  void rectangle(double x, double y, double width, double height, Paint paint, bool hatched) override {
    const double inset = hatched ? 0.5 : 0;  // the outline's half
    text_ += fmt::format("<rect class=\"{}{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", hatched ? "h-" : "",
                         class_of(paint), number(x + inset), number(y + inset),
                         number(std::max(0.0, width - 2 * inset)), number(std::max(0.0, height - 2 * inset)));
  }

  void line(double x1, double y1, double x2, double y2, Paint paint, double width, bool dashed) override {
    text_ += fmt::format("<line class=\"s-{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke-width=\"{}\"{}/>\n",
                         class_of(paint), number(x1), number(y1), number(x2), number(y2), number(width),
                         dashed ? " stroke-dasharray=\"4 3\"" : "");
  }

  void text(double x, double y, std::string_view text, const TextStyle& style) override {
    const char* anchor = style.anchor == Anchor::middle ? " m" : style.anchor == Anchor::end ? " e" : "";
    text_ += fmt::format("<text class=\"{}{}{}\" x=\"{}\" y=\"{}\" font-size=\"{}\">{}</text>\n", class_of(style.paint),
                         style.bold ? " b" : "", anchor, number(x), number(y), number(style.size), escaped(text));
  }

  std::string finish() override { return std::move(text_) + "</svg>\n"; }

 private:
  std::string text_;
};

}  // namespace

std::unique_ptr<Canvas> svg_canvas(double width, double height, std::string_view title, std::string_view description) {
  return std::make_unique<SvgCanvas>(width, height, title, description);
}

}  // namespace wherry::report
