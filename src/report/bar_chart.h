#pragma once
// A chart of horizontal bars in groups within sections. Every bar has its name before it and its value behind it, so
// nothing depends on colour; long names make the picture wider, many bars make it taller.

#include <cstddef>
#include <string>
#include <vector>

namespace wherry::report {

struct Bar {
  std::string label;
  double value = 0;  ///< not negative
  std::string value_text;
  std::size_t fill = 0;    ///< bars alike in all groups have the same number
  bool reference = false;  ///< what others are compared with: in grey
  bool hatched = false;
};

struct BarGroup {
  std::string label;
  std::vector<Bar> bars;
};

struct BarSection {
  std::string title;
  std::vector<BarGroup> groups;
};

struct BarChart {
  std::string title;
  std::string subtitle;  ///< what the values are, and which way is better
  std::vector<BarSection> sections;
  double reference = 1;            ///< where the dashed line stands
  std::vector<std::string> notes;  ///< small, below
};

/// Throw InvalidInput for a chart without bars; and png as png_canvas.
std::string svg(const BarChart& chart);
std::string png(const BarChart& chart);

}  // namespace wherry::report
