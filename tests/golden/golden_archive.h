#pragma once
// Goldens: real models, full size, in a few kilobytes. make_goldens.py leaves out of an archive every storage that a
// seed can restore; here they are put back, so that tests run the product on a real `.pt` file.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "wherry/tensor.h"

namespace wherry::golden {

/// deterministic.py's uniform(): the same floats, bit for bit.
std::vector<float> uniform(std::uint64_t seed, std::int64_t count, double low, double high);

/// Every record of a small zip, name and contents, in order. Throws std::runtime_error.
std::vector<std::pair<std::string, std::string>> read_records(const std::filesystem::path& path);

struct Golden {
  Dims input_shape;  ///< [1, 3, S, S]
  Tensor expected;   ///< what PyTorch answered for the input uniform(0, …, -2, 2)
};

/// Writes the whole archive, stored and 64-byte aligned as PyTorch writes it, to `archive`. Throws std::runtime_error.
Golden restore(const std::filesystem::path& golden, const std::filesystem::path& archive);

}  // namespace wherry::golden
