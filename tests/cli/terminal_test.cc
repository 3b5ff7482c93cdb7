// Text that reaches a terminal: safe, cut to size, aligned.

#include "cli/terminal.h"

#include <gtest/gtest.h>

#include "cli/table.h"

namespace wherry::cli {
namespace {

TEST(Printable, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(printable("plain, größe 🙂"), "plain, größe 🙂");
  EXPECT_EQ(printable("a\nb\x1b[31mc\x7f"), "a\\x0ab\\x1b[31mc\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");  // the one-byte form of ESC [
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Cut, CountsCodePoints) {
  EXPECT_EQ(columns_of("größe"), 5U);
  EXPECT_EQ(cut_end("größe", 5), "größe");
  EXPECT_EQ(cut_end("größer", 5), "größ…");
  EXPECT_EQ(cut_start("größer", 5), "…ößer");
  EXPECT_EQ(cut_start("abc", 3), "abc");
  EXPECT_EQ(cut_end("abc", 1), "…");
  EXPECT_EQ(cut_start("abc", 1), "…");
}

TEST(Numbers, AsPeopleReadThem) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(3504872), "3,504,872");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(602'112), "602 kB");
  EXPECT_EQ(human_bytes(999'960), "1.0 MB");
  EXPECT_EQ(human_bytes(14'019'488), "14.0 MB");
}

TEST(Bar, FillsFromTheLeft) {
  for (const double share : {-1.0, 0.0, 0.3, 0.5, 0.999, 1.0, 2.0}) EXPECT_EQ(columns_of(bar(share, 20)), 20U) << share;
  EXPECT_EQ(bar(0, 4), "    ");
  const std::string half = utf8_locale() ? "██  " : "##  ";
  EXPECT_EQ(bar(0.5, 4), half);
}

TEST(Table, AlignsAndGivesWayAtTheEnd) {
  Table table({{"n", true}, {"op", false, 6}, {"source"}});
  table.add({"1", "convolution", "resnet.py:12"});
  table.add({"10", "add", "a\nb"});
  EXPECT_EQ(table.print(120),
            " n  op           source\n"
            " 1  convolution  resnet.py:12\n"
            "10  add          a\\x0ab\n");
  EXPECT_EQ(table.print(26),
            " n  op        source\n"
            " 1  convolu…  resnet.py:12\n"
            "10  add       a\\x0ab\n");
  EXPECT_EQ(table.print(22),
            " n  op      source\n"
            " 1  convo…  …net.py:12\n"
            "10  add     a\\x0ab\n");
}

}  // namespace
}  // namespace wherry::cli
