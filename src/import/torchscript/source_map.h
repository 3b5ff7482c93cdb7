#pragma once
// From a place in an archive's code back to the Python that the model's author wrote, by the .debug_pkl file beside it.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::import::torchscript {

class SourceMap {
 public:
  struct Place {
    std::string file;  ///< "torchvision/models/resnet.py": without the folder the packages were installed in
    int line = 0;
  };

  /// Decodes a .debug_pkl record (with a string table, as PyTorch writes since 1.10, or without). Debug information is
  /// a courtesy: where it is damaged the map is empty.
  explicit SourceMap(std::span<const std::byte> debug_pickle);

  /// The place that generated the code at this byte offset; null where none is recorded.
  const Place* find(std::uint32_t offset) const;

 private:
  struct Entry {
    std::uint32_t offset;
    std::int32_t place;  // -1: none
  };
  std::vector<Entry> entries_;
  std::vector<Place> places_;
};

}  // namespace wherry::import::torchscript
