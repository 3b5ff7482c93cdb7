#pragma once
// Names of a classifier's classes: ImageNet's, which almost every published classifier has, or a file's.

#include <string>
#include <string_view>
#include <vector>

namespace wherry::tasks {

/// ImageNet-1k's 1000 names by index.
std::vector<std::string> imagenet_labels();

/// Class names by index from a file's text: one name a line; or JSON: a list of names, an object {"0": "tench", …}
/// (a value may also be a list whose last element is the name), an object {"tench": 0, …}, or any object with such an
/// object under "id2label". `name` appears in messages. Throws InvalidInput where it is none of these, an index is
/// missing or given twice, or a line between names is empty.
std::vector<std::string> parse_labels(std::string_view text, const std::string& name);

/// parse_labels of a file. Throws InvalidInput where it cannot be read.
std::vector<std::string> read_labels(const std::string& path);

}  // namespace wherry::tasks
