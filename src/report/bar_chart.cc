// Layout: one pass that measures, one that draws from top to bottom.

#include "report/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "report/canvas.h"
#include "report/png_canvas.h"
#include "report/svg_canvas.h"

namespace wherry::report {
namespace {

constexpr double kLeastWidth = 880, kLeastPlot = 400, kMargin = 28;
constexpr double kTitle = 19, kSubtitle = 12.5, kSection = 14.5, kGroup = 12, kLabel = 12, kValue = 11.5, kTick = 10.5,
                 kNote = 10.5;
constexpr double kLeading = 1.4;  ///< of lines of text
constexpr double kBar = 15, kPitch = 21, kGroupGap = 11, kSectionGap = 26;
constexpr double kColumnGap = 16, kLabelGap = 10, kValueGap = 6;
constexpr double kLongestLabel = 420;
constexpr std::size_t kManyBars = 30;  ///< from here on the scale stands above the bars too

std::vector<std::string> wrapped(const std::string& text, double size, double width) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const std::string longer = line.empty() ? word : line + " " + word;
    if (!line.empty() && text_width(longer, size) > width) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
    begin = end + 1;
  }
  lines.push_back(line);
  return lines;
}

/// With "…" where its end does not fit.
std::string cut(std::string text, double size, bool bold) {
  if (text_width(text, size, bold) <= kLongestLabel) return text;
  while (!text.empty() && text_width(text + "…", size, bold) > kLongestLabel) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U) text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  return text + "…";
}

/// 1, 2 or 5 times a power of ten, so that `range` has at most six steps.
double tick_step(double range) {
  const double least = range / 6, power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least) return factor * power;
  return 10 * power;
}

class Layout {
 public:
  explicit Layout(const BarChart& chart) : chart_(chart) {
    for (const BarSection& section : chart.sections) {
      for (const BarGroup& group : section.groups) {
        group_column_ = std::max(group_column_, text_width(cut(group.label, kGroup, true), kGroup, true));
        for (const Bar& bar : group.bars) {
          label_column_ = std::max(label_column_, text_width(cut(bar.label, kLabel, false), kLabel));
          ++bars_;
        }
      }
    }
    if (bars_ == 0) base::fail<InvalidInput>("the picture '{}' has no bars; at least one is expected", chart.title);
    label_x_ = kMargin + (group_column_ > 0 ? group_column_ + kColumnGap : 0);
    plot_x_ = label_x_ + (label_column_ > 0 ? label_column_ + kLabelGap : 0);
    width_ = std::ceil(std::max(kLeastWidth, plot_x_ + kLeastPlot + kMargin));
    measure_scale();
    measure_height();
  }

  double width() const { return width_; }
  double height() const { return height_; }

  void draw(Canvas& canvas) const {
    double y = kMargin + kTitle * 0.8;
    canvas.text(kMargin, y, chart_.title, {kTitle, true});
    y += kTitle * 0.35;
    for (const std::string& line : wrapped(chart_.subtitle, kSubtitle, width_ - 2 * kMargin))
      canvas.text(kMargin, y += kSubtitle * kLeading, line, {kSubtitle, false, Paint::muted});
    draw_scale(canvas);
    y = bars_top_;
    for (std::size_t i = 0; i < chart_.sections.size(); ++i) {
      if (i > 0) y += kSectionGap - kGroupGap;
      y = draw_section(canvas, chart_.sections[i], y);
    }
    y = notes_top_;
    for (const std::string& line : notes_)
      canvas.text(kMargin, y += kNote * kLeading, line, {kNote, false, Paint::muted});
  }

 private:
  /// The longest bar's value still stands within the picture.
  void measure_scale() {
    const double plot = width_ - kMargin - plot_x_;
    double largest = chart_.reference;
    scale_ = plot * 0.92 / std::max(chart_.reference, 1e-300);
    for (const BarSection& section : chart_.sections)
      for (const BarGroup& group : section.groups)
        for (const Bar& bar : group.bars) {
          largest = std::max(largest, bar.value);
          const double room = plot - kValueGap - text_width(bar.value_text, kValue);
          if (bar.value > 0) scale_ = std::min(scale_, std::max(room, plot * 0.4) / bar.value);
        }
    step_ = tick_step(largest);
    ticks_ = static_cast<int>(std::floor(plot / (step_ * scale_) + 1e-9));
  }

  void measure_height() {
    const auto subtitle = wrapped(chart_.subtitle, kSubtitle, width_ - 2 * kMargin).size();
    bars_top_ = kMargin + kTitle * 1.15 + static_cast<double>(subtitle) * kSubtitle * kLeading + 20;
    if (bars_ >= kManyBars) bars_top_ += kTick * kLeading;
    double y = bars_top_;
    for (std::size_t i = 0; i < chart_.sections.size(); ++i) {
      const BarSection& section = chart_.sections[i];
      if (i > 0) y += kSectionGap - kGroupGap;
      y += title_height(section);
      for (const BarGroup& group : section.groups) y += static_cast<double>(group.bars.size()) * kPitch + kGroupGap;
    }
    bars_bottom_ = y - kGroupGap + 4;
    notes_top_ = bars_bottom_ + 2 * kTick * kLeading + 4;
    for (const std::string& note : chart_.notes)
      for (std::string& line : wrapped(note, kNote, width_ - 2 * kMargin)) notes_.push_back(std::move(line));
    height_ = std::ceil(notes_top_ + static_cast<double>(notes_.size()) * kNote * kLeading + kMargin);
  }

  static double title_height(const BarSection& section) { return section.title.empty() ? 0 : kSection * 1.9; }

  /// The scale's numbers; its lines are each section's.
  void draw_scale(Canvas& canvas) const {
    for (int i = 0; i <= ticks_; ++i) {
      const double x = plot_x_ + i * step_ * scale_;
      const TextStyle style{kTick, false, Paint::muted, Anchor::middle};
      const std::string text = fmt::format("{:g}", i * step_);
      canvas.text(x, bars_bottom_ + kTick * 1.3, text, style);
      if (bars_ >= kManyBars) canvas.text(x, bars_top_ - kTick * 0.4, text, style);
    }
  }

  double draw_section(Canvas& canvas, const BarSection& section, double y) const {
    if (!section.title.empty()) {
      canvas.text(kMargin, y + kSection, section.title, {kSection, true});
      canvas.line(kMargin, y + kSection * 1.5, width_ - kMargin, y + kSection * 1.5, Paint::rule, 1, false);
    }
    const double top = y + title_height(section);
    double bottom = top - kGroupGap + 4;
    for (const BarGroup& group : section.groups) bottom += static_cast<double>(group.bars.size()) * kPitch + kGroupGap;
    for (int i = 0; i <= ticks_; ++i) {
      const double x = plot_x_ + i * step_ * scale_;
      canvas.line(x, top - 3, x, bottom, Paint::rule, 1, false);
    }
    y = top;
    for (const BarGroup& group : section.groups) {
      canvas.text(kMargin, y + kBar * 0.78, cut(group.label, kGroup, true), {kGroup, true});
      for (const Bar& bar : group.bars) {
        canvas.text(label_x_, y + kBar * 0.78, cut(bar.label, kLabel, false), {kLabel});
        canvas.rectangle(plot_x_, y, std::max(1.0, bar.value * scale_), kBar,
                         bar.reference ? Paint::neutral : fill_paint(bar.fill), bar.hatched);
        y += kPitch;
      }
      y += kGroupGap;
    }
    const double reference = plot_x_ + chart_.reference * scale_;
    canvas.line(reference, top - 3, reference, bottom, Paint::muted, 1, true);
    draw_values(canvas, section, top);
    return y;
  }

  /// After the dashed line, which gives way to them.
  void draw_values(Canvas& canvas, const BarSection& section, double y) const {
    for (const BarGroup& group : section.groups) {
      for (const Bar& bar : group.bars) {
        const double x = plot_x_ + std::max(1.0, bar.value * scale_) + kValueGap;
        canvas.rectangle(x - kValueGap / 2, y, text_width(bar.value_text, kValue) + kValueGap / 2, kBar, Paint::paper,
                         false);
        canvas.text(x, y + kBar * 0.78, bar.value_text, {kValue});
        y += kPitch;
      }
      y += kGroupGap;
    }
  }

  const BarChart& chart_;
  std::size_t bars_ = 0;
  double group_column_ = 0, label_column_ = 0;
  double label_x_ = 0, plot_x_ = 0, width_ = 0, height_ = 0;
  double bars_top_ = 0, bars_bottom_ = 0, notes_top_ = 0;
  double scale_ = 1, step_ = 1;
  int ticks_ = 0;
  std::vector<std::string> notes_;
};

/// The whole chart in words.
std::string description(const BarChart& chart) {
  std::string text = chart.subtitle;
  for (const BarSection& section : chart.sections) {
    text += "\n" + section.title + ":";
    for (const BarGroup& group : section.groups)
      for (const Bar& bar : group.bars) {
        for (const std::string* part : {&group.label, &bar.label, &bar.value_text})
          if (!part->empty()) text += " " + *part;
        text += ";";
      }
  }
  return text;
}

}  // namespace

std::string svg(const BarChart& chart) {
  const Layout layout(chart);
  const auto canvas = svg_canvas(layout.width(), layout.height(), chart.title, description(chart));
  layout.draw(*canvas);
  return canvas->finish();
}

std::string png(const BarChart& chart) {
  const Layout layout(chart);
  const auto canvas = png_canvas(layout.width(), layout.height());
  layout.draw(*canvas);
  return canvas->finish();
}

}  // namespace wherry::report
