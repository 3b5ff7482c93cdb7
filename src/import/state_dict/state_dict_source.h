#pragma once
// A state dict with the architecture it belongs to, as a model.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "import/model_source.h"
#include "import/state_dict/state_dict.h"

namespace wherry::import {

/// `arch` by torchvision's name. Throws InvalidInput where it is unknown or missing (naming those whose entries fit)
/// and InvalidModel where the state dict does not fit it.
std::unique_ptr<ModelSource> make_state_dict_source(StateDict weights, const std::string& arch);

/// The architecture with random weights, the same for the same seed. Throws InvalidInput where `arch` is unknown.
std::unique_ptr<ModelSource> make_random_source(const std::string& arch, std::uint64_t seed);

/// The one record of such a model: its seed, 8 bytes, little-endian. All else follows from that.
inline constexpr std::string_view kSeed = "seed";
/// The same from its record in a compiled file. Throws InvalidModel naming the file.
std::unique_ptr<ModelSource> make_random_source(const ZipArchive& records, const std::string& arch);

}  // namespace wherry::import
