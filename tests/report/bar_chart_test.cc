// The chart in both files: it is well-formed, it says all it was given, and nothing lies over anything else.

#include "report/bar_chart.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <png.h>

#include <cstring>
#include <regex>
#include <vector>

#include "report/canvas.h"
#include "wherry/error.h"

namespace wherry::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

BarChart example() {
  BarChart chart;
  chart.title = "Relative <speed> & more";
  chart.subtitle = "Throughput ÷ that of the baseline; higher is better";
  chart.sections = {
      {"resnet50, batch 1",
       {{"c6a.large", {{"PyTorch 1.13.1 fp32", 1, "1.00 baseline", 0, true, false}, {"wherry fp32", 1.7, "1.70", 1}}},
        {"c7g.large", {{"wherry fp32", 2.25, "2.25 modelled", 1, false, true}}}}},
      {"bert, batch 8", {{"c6a.large", {{"wherry bf16", 0, "0.00", 2}}}}}};
  chart.notes = {"Figures: 3 measured, 1 modelled."};
  return chart;
}

/// Elements are closed in their order, their attributes are quoted, and & begins one of the five entities.
void expect_well_formed(const std::string& xml) {
  static const std::regex kTag("[a-z]+( [a-zA-Z0-9-]+=\"[^\"<]*\")*/?"), kEntity("&(amp|lt|gt|quot|apos);");
  std::vector<std::string> open;
  for (std::size_t at = xml.find_first_of("<&"); at != xml.npos; at = xml.find_first_of("<&", at)) {
    if (xml[at] == '&') {
      const std::string entity = xml.substr(at, xml.find(';', at) + 1 - at);
      EXPECT_TRUE(std::regex_match(entity, kEntity)) << entity;
      ++at;
      continue;
    }
    const std::size_t end = xml.find('>', at);
    ASSERT_NE(end, xml.npos);
    const std::string tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.starts_with("/")) {
      ASSERT_FALSE(open.empty()) << tag;
      EXPECT_EQ(open.back(), tag.substr(1));
      open.pop_back();
      continue;
    }
    EXPECT_TRUE(std::regex_match(tag, kTag)) << tag;
    if (!tag.ends_with("/")) open.push_back(tag.substr(0, tag.find(' ')));
  }
  EXPECT_TRUE(open.empty());
}

TEST(BarChart, SvgIsWellFormedAndSaysAll) {
  const std::string text = svg(example());
  expect_well_formed(text);
  EXPECT_THAT(text,
              AllOf(StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""), HasSubstr("prefers-color-scheme:dark"),
                    HasSubstr("<title>Relative &lt;speed&gt; &amp; more</title>"), HasSubstr(">1.00 baseline<"),
                    HasSubstr(">2.25 modelled<"), HasSubstr("class=\"h-f1\"")));
  for (const char* label : {"PyTorch 1.13.1 fp32", "wherry bf16", "c7g.large", "bert, batch 8", "Figures: 3 measured"})
    EXPECT_THAT(text, HasSubstr(std::string(">") + label));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST(BarChart, LengthsAreProportional) {
  const std::string text = svg(example());
  const std::regex bar(
      "<rect class=\"(neutral|f[0-9]|h-f[0-9])\" x=\"([0-9.]+)\" y=\"[0-9.]+\" width=\"([0-9.]+)\" height=\"1[45]\"/>");
  std::vector<double> widths;
  for (std::sregex_iterator at(text.begin(), text.end(), bar), end; at != end; ++at)
    widths.push_back(std::stod((*at)[3]) + ((*at)[1].str().starts_with("h-") ? 1 : 0));
  ASSERT_EQ(widths.size(), 4U);
  EXPECT_NEAR(widths[1] / widths[0], 1.7, 1e-3);
  EXPECT_NEAR(widths[2] / widths[0], 2.25, 1e-3);
  EXPECT_EQ(widths[3], 1) << "a value of 0 is still seen";
}

/// Every text of the picture lies within it, by the widths it was laid out with.
void expect_texts_inside(const std::string& text) {
  std::smatch size;
  ASSERT_TRUE(std::regex_search(text, size, std::regex("width=\"([0-9.]+)\" height=\"([0-9.]+)\"")));
  const std::regex element(
      "<text class=\"([^\"]*)\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" font-size=\"([0-9.]+)\">([^<]*)</text>");
  int texts = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), element), end; at != end; ++at, ++texts) {
    if ((*at)[1].str().find(" m") != std::string::npos) continue;  // the scale's numbers
    const bool bold = (*at)[1].str().find(" b") != std::string::npos;
    EXPECT_LE(std::stod((*at)[2]) + text_width((*at)[5].str(), std::stod((*at)[4]), bold), std::stod(size[1]))
        << (*at)[5];
    EXPECT_LT(std::stod((*at)[3]), std::stod(size[2])) << (*at)[5];
  }
  EXPECT_GT(texts, 5);
}

TEST(BarChart, LongNamesAndManyBarsFindRoom) {
  BarChart chart = example();
  expect_texts_inside(svg(chart));
  chart.sections.clear();
  for (int section = 0; section < 8; ++section) {
    chart.sections.push_back({fmt::format("a model with a long name number {}, batch 128, 512 tokens", section), {}});
    for (int group = 0; group < 4; ++group) {
      BarGroup made{fmt::format("ml.c7gn-flex.{}xlarge.somewhere", group), {}};
      for (int bar = 0; bar < 6; ++bar)
        made.bars.push_back({fmt::format("PyTorch 2.15.0 torch.compile bf16, {} threads, avx512_bf16", bar),
                             0.01 * (bar + 1) * (group + 1) * (section + 1), "12345.67 baseline supplied", 1});
      chart.sections.back().groups.push_back(std::move(made));
    }
  }
  chart.notes = {std::string(100, 'n') + " " + std::string(100, 'm'), "short"};
  const std::string text = svg(chart);
  expect_well_formed(text);
  expect_texts_inside(text);
  chart.sections[0].groups[0].bars[0].label = std::string(500, 'W');
  EXPECT_THAT(svg(chart), HasSubstr("WWW…<"));
}

struct Picture {
  unsigned width = 0, height = 0;
  std::vector<unsigned char> rgb;
  const unsigned char* at(unsigned x, unsigned y) const { return rgb.data() + (std::size_t{y} * width + x) * 3; }
};

Picture decoded(const std::string& bytes) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  Picture picture;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) return picture;
  image.format = PNG_FORMAT_RGB;
  picture.rgb.resize(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr) == 0) return {};
  picture.width = image.width;
  picture.height = image.height;
  return picture;
}

TEST(BarChart, PngDecodesInTheSvgsSizeOnAnOpaqueBackground) {
  std::string bytes;
  try {
    bytes = png(example());
  } catch (const Unsupported& error) {
    GTEST_SKIP() << error.what();
  }
  const Picture picture = decoded(bytes);
  std::smatch size;
  const std::string text = svg(example());
  ASSERT_TRUE(std::regex_search(text, size, std::regex("width=\"([0-9.]+)\" height=\"([0-9.]+)\"")));
  EXPECT_EQ(picture.width, 2 * std::stoul(size[1]));
  EXPECT_EQ(picture.height, 2 * std::stoul(size[2]));
  ASSERT_FALSE(picture.rgb.empty());
  const Rgb paper = shades_of(Paint::paper).light, fill = shades_of(Paint::fill1).light;
  EXPECT_THAT(std::vector<int>(picture.at(1, 1), picture.at(1, 1) + 3),
              testing::ElementsAre(paper.red, paper.green, paper.blue));
  std::size_t of_fill = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3)
    of_fill += picture.rgb[i] == fill.red && picture.rgb[i + 1] == fill.green && picture.rgb[i + 2] == fill.blue;
  EXPECT_GT(of_fill, 5000U) << "wherry's bar";
}

TEST(BarChart, WithoutBarsIsRefused) {
  BarChart chart;
  chart.title = "Nothing";
  EXPECT_THROW(svg(chart), InvalidInput);
}

}  // namespace
}  // namespace wherry::report
