#pragma once
// What tests of recorded answers share: which recordings there are, what a test of one is called, how near an answer
// is.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "wherry/tensor.h"

namespace wherry::golden {

inline const std::filesystem::path kData = std::filesystem::path(WHERRY_SOURCE_DIR) / "tests/golden/data";

/// All recordings with this extension, ".golden" say, in order.
inline std::vector<std::filesystem::path> recordings(std::string_view extension) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kData))
    if (entry.path().extension() == extension) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

inline std::string test_name(const testing::TestParamInfo<std::filesystem::path>& parameter) {
  std::string name = std::filesystem::relative(parameter.param, kData).replace_extension().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

struct Agreement {
  double cosine = 0;
  double error = 0;    ///< the largest, absolute; infinite where an answer is NaN
  double largest = 0;  ///< of what was expected
};

inline Agreement agreement(const Tensor& found, const Tensor& expected) {
  const auto ours = found.values<float>();
  const auto theirs = expected.values<float>();
  double dot = 0, ours2 = 0, theirs2 = 0, error = 0, largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    dot += double{ours[i]} * theirs[i];
    ours2 += double{ours[i]} * ours[i];
    theirs2 += double{theirs[i]} * theirs[i];
    error = std::max(error, std::fabs(double{ours[i]} - theirs[i]));
    if (std::isnan(ours[i])) error = std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::fabs(double{theirs[i]}));
  }
  return {dot / std::sqrt(ours2 * theirs2), error, largest};
}

}  // namespace wherry::golden
