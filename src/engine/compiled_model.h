#pragma once
// Between a compiled file and the engine: whether its packed weights suit this process, and how they get into use.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "engine/precision.h"
#include "import/model_source.h"
#include "runtime/packed_weights.h"
#include "wherry/compiled.h"

namespace wherry::engine {

/// What runs, and whether a compiled file's packed weights are for that.
struct Fit {
  ChosenPrecision precision;
  bool use_packed = false;
};

/// The precision to run in: `asked`, except that "auto" means the one a compiled file was made for. `file` is null for
/// models that are not compiled. Throws InvalidInput where the file is for another instruction set or precision, and
/// InvalidModel where another version of wherry wrote it, unless it is portable: then its weights are packed again.
Fit fit(const import::CompiledFile* file, Precision asked, base::Isa isa);

/// Where packed weights are looked up; empty where there are none to use.
runtime::PackedWeights::Supply supply_of(std::shared_ptr<const import::CompiledFile> file, const Fit& fit);

/// What becomes of weights that the file lacks: a portable one, and a model that is not compiled, have the originals.
runtime::PackedWeights::Unsupplied unsupplied(const import::CompiledFile* file);

/// Where all the weights in a file lie; empty where there are none to use.
std::span<const std::byte> weights_of(const import::CompiledFile* file, const Fit& fit);

/// The instruction set whose kernels run: what fp32 needs of `isa`, or all of it.
base::Isa kernel_isa(const ChosenPrecision& precision, base::Isa isa);

/// Up to so many bytes, original tensors that plans read unpacked are in a compiled file whole: positions of 512 tokens
/// are 1.5 MB, words 94 MB.
inline constexpr std::int64_t kLargestTableKept = std::int64_t{8} << 20;

/// Writes `origin` and the weights in use as a compiled file. `read` tells for each of the origin's records whether
/// importer or passes read it. Throws InvalidInput where the file cannot be written.
void write_compiled(const std::string& path, const import::Origin& origin, std::vector<bool> read,
                    const runtime::PackedWeights& weights, import::CompiledAbout about);

CompiledInfo info_of(const import::CompiledFile& file, const std::vector<TensorInfo>& inputs);

}  // namespace wherry::engine
