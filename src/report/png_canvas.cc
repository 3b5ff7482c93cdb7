#include "report/png_canvas.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "report/cairo_library.h"

namespace wherry::report {
namespace {

constexpr double kPixelsOfUnit = 2;
constexpr double kLargest = 32767;  ///< pixels of a side, of Cairo's images
constexpr double kSmallestScale = 0.5;
constexpr const char* kFont = "DejaVu Sans";

double scale_for(double width, double height) {
  const double scale = std::min(kPixelsOfUnit, std::floor(kLargest / std::max(width, height) * 4) / 4);
  if (scale < kSmallestScale)
    base::fail<InvalidInput>("a picture of {:.0f} by {:.0f} units is too large for a PNG; fewer bars are accepted",
                             width, height);
  return scale;
}

class PngCanvas final : public Canvas {
 public:
  PngCanvas(double width, double height) : cairo_(cairo_library()) {
    const double scale = scale_for(width, height);
    surface_ = cairo_.cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::ceil(width * scale)),
                                                 static_cast<int>(std::ceil(height * scale)));
    context_ = cairo_.cairo_create(surface_);
    cairo_.cairo_scale(context_, scale, scale);
    rectangle(0, 0, width + 1, height + 1, Paint::paper, false);
  }
  PngCanvas(const PngCanvas&) = delete;
  PngCanvas& operator=(const PngCanvas&) = delete;
  ~PngCanvas() override {
    cairo_.cairo_destroy(context_);
    cairo_.cairo_surface_destroy(surface_);
  }

  void rectangle(double x, double y, double width, double height, Paint paint, bool hatched) override {
    use(paint);
    cairo_.cairo_rectangle(context_, x, y, width, height);
    if (!hatched) {
      cairo_.cairo_fill(context_);
      return;
    }
    constexpr double kStep = 7.07, kStripe = 2.2;  // as in SVG: 5 across the stripes
    cairo_.cairo_save(context_);
    cairo_.cairo_clip(context_);
    cairo_.cairo_set_line_width(context_, kStripe);
    for (double at = x - height; at < x + width + kStep; at += kStep) {
      cairo_.cairo_move_to(context_, at, y + height);
      cairo_.cairo_line_to(context_, at + height, y);
    }
    cairo_.cairo_stroke(context_);
    cairo_.cairo_restore(context_);
    cairo_.cairo_set_line_width(context_, 1);
    cairo_.cairo_rectangle(context_, x + 0.5, y + 0.5, std::max(0.0, width - 1), std::max(0.0, height - 1));
    cairo_.cairo_stroke(context_);
  }

  void line(double x1, double y1, double x2, double y2, Paint paint, double width, bool dashed) override {
    use(paint);
    const double dashes[] = {4, 3};
    cairo_.cairo_set_dash(context_, dashes, dashed ? 2 : 0, 0);
    cairo_.cairo_set_line_width(context_, width);
    cairo_.cairo_move_to(context_, x1, y1);
    cairo_.cairo_line_to(context_, x2, y2);
    cairo_.cairo_stroke(context_);
    cairo_.cairo_set_dash(context_, dashes, 0, 0);
  }

  void text(double x, double y, std::string_view text, const TextStyle& style) override {
    const std::string clean = clean_text(text);
    use(style.paint);
    cairo_.cairo_select_font_face(context_, kFont, CAIRO_FONT_SLANT_NORMAL,
                                  style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_.cairo_set_font_size(context_, style.size);
    cairo_text_extents_t extents;
    cairo_.cairo_text_extents(context_, clean.c_str(), &extents);
    if (style.anchor == Anchor::middle) x -= extents.x_advance / 2;
    if (style.anchor == Anchor::end) x -= extents.x_advance;
    cairo_.cairo_move_to(context_, x, y);
    cairo_.cairo_show_text(context_, clean.c_str());
  }

  std::string finish() override {
    std::string bytes;
    auto status = cairo_.cairo_status(context_);
    if (status == CAIRO_STATUS_SUCCESS)
      status = cairo_.cairo_surface_write_to_png_stream(
          surface_,
          [](void* closure, const unsigned char* data, unsigned length) {
            static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
            return CAIRO_STATUS_SUCCESS;
          },
          &bytes);
    if (status != CAIRO_STATUS_SUCCESS)
      base::fail<InternalError>("Cairo cannot draw the picture: {}", cairo_.cairo_status_to_string(status));
    return bytes;
  }

 private:
  void use(Paint paint) {
    const Rgb rgb = shades_of(paint).light;
    cairo_.cairo_set_source_rgb(context_, rgb.red / 255.0, rgb.green / 255.0, rgb.blue / 255.0);
  }

  const CairoLibrary& cairo_;
  cairo_surface_t* surface_ = nullptr;
  cairo_t* context_ = nullptr;
};

}  // namespace

std::unique_ptr<Canvas> png_canvas(double width, double height) { return std::make_unique<PngCanvas>(width, height); }

}  // namespace wherry::report
