#pragma once
// What a compiled model file (.wherry) holds: the answer of Model::compile, and of Model::compiled for a loaded one.

#include <cstdint>
#include <string>
#include <vector>

#include "wherry/model.h"

namespace wherry {

struct CompiledInfo {
  std::string wherry_version;  ///< of the wherry that wrote the file
  std::string isa;             ///< whose kernels read its packed weights: "avx512"
  std::string precision;       ///< "fp32" or "bf16"
  bool portable = false;       ///< holds all weights unpacked too, so it can be packed again
  /// The inputs it was compiled for, a list for each set. Others work as well.
  std::vector<std::vector<TensorInfo>> shapes;

  std::int64_t file_bytes = 0;
  std::int64_t packed_weights = 0;  ///< how many, and their bytes
  std::int64_t packed_bytes = 0;
  std::int64_t plain_weights = 0;  ///< read by kernels in the order they are in
  std::int64_t plain_bytes = 0;
  std::int64_t raw_weights = 0;  ///< of the original file, for the importer and the passes
  std::int64_t raw_bytes = 0;
  std::int64_t absent_weights = 0;   ///< that the file does not hold unpacked
  std::int64_t structure_bytes = 0;  ///< the model without its weights: code, pickles
};

}  // namespace wherry
