// Text that is safe in a picture, and how wide it is.

#include "report/canvas.h"

#include <gtest/gtest.h>

namespace wherry::report {
namespace {

TEST(Canvas, WidthsAreThoseOfDejaVuSans) {
  EXPECT_DOUBLE_EQ(text_width("", 12), 0);
  EXPECT_DOUBLE_EQ(text_width("wherry", 10), 10 * (818 + 634 + 615 + 411 + 411 + 592) / 1000.0);
  EXPECT_DOUBLE_EQ(text_width("÷", 10), 10);
  EXPECT_GT(text_width("model", 12, true), text_width("model", 12));
}

TEST(Canvas, TextBecomesValidUtf8WithoutControls) {
  EXPECT_EQ(clean_text("größe 模型 🙂"), "größe 模型 🙂");
  EXPECT_EQ(clean_text("a\x1b[1m\n\x7f"), "a [1m  ");
  EXPECT_EQ(clean_text("\xc2\x9b"), " ");
  EXPECT_EQ(clean_text("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(clean_text("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd");           // overlong
  EXPECT_EQ(clean_text("\xed\xa0\x80").substr(0, 3), "\xef\xbf\xbd");      // a surrogate
  EXPECT_EQ(clean_text("\xef\xbf\xbf").substr(0, 3), "\xef\xbf\xbd");      // no character in XML
  EXPECT_EQ(clean_text("\xf4\x90\x80\x80").substr(0, 3), "\xef\xbf\xbd");  // beyond Unicode
}

TEST(Canvas, FillsRepeat) {
  EXPECT_EQ(fill_paint(0), Paint::fill0);
  EXPECT_EQ(fill_paint(kFills - 1), Paint::fill5);
  EXPECT_EQ(fill_paint(kFills), Paint::fill0);
}

}  // namespace
}  // namespace wherry::report
