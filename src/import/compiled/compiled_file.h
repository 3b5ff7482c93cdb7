#pragma once
// The container that `wherry compile` writes: the original model's records without most weight bytes, and the weights
// in the order the kernels read them, to be used straight from the mapped file. docs/compiled_format.md has the bytes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "import/zip/zip_archive.h"
#include "ir/graph.h"

namespace wherry::import {

/// Where the model comes from: which reader understands the records.
enum class OriginKind : std::uint8_t { torchscript, state_dict, legacy_state_dict, random_weights, huggingface };

/// What the file says of itself.
struct CompiledAbout {
  std::string wherry_version;
  std::string isa;
  std::string precision;
  OriginKind kind = OriginKind::torchscript;
  std::string arch;       ///< of a state dict or of random weights; what a Hugging Face model was asked for as
  bool portable = false;  ///< no record is absent
  std::vector<std::vector<ir::TensorType>> shapes;
};

/// One weight as some kernel reads it.
struct CompiledWeight {
  std::string name;     ///< runtime::PackedWeights' name for it
  bool packed = false;  ///< else row-major, as a tensor
  std::span<const std::byte> bytes;
  std::uint32_t crc = 0;
};

/// Immutable and safe to read from several threads.
class CompiledFile {
 public:
  static bool recognises(std::span<const std::byte> bytes);

  /// Reads header and directory, whose checksums are verified. Throws InvalidModel naming the file where it is damaged
  /// or of another format version. Contents of weights are not read: verify() does that.
  static std::shared_ptr<const CompiledFile> open(std::shared_ptr<const base::MappedFile> file);
  /// The same over bytes in memory, which must be aligned to kAlignment; `name` stands for the path in messages.
  static std::shared_ptr<const CompiledFile> open(std::string name, Bytes bytes);

  const std::string& path() const { return path_; }
  std::size_t size() const { return bytes_.data.size(); }
  const CompiledAbout& about() const { return about_; }
  /// The original's records, some of them absent.
  const std::shared_ptr<const ZipArchive>& records() const { return records_; }
  const std::vector<CompiledWeight>& weights() const { return weights_; }
  /// The bytes of a weight, 64-byte aligned; empty where the file has no such weight.
  std::optional<Bytes> find(std::string_view name) const;

  /// Reads everything and compares all checksums. Throws InvalidModel naming the first part that is damaged.
  void verify() const;

  static constexpr std::uint32_t kFormatVersion = 1;
  static constexpr std::size_t kHeaderBytes = 64;
  /// Of weights; large ones begin on a page.
  static constexpr std::size_t kAlignment = 64;

 private:
  CompiledFile() = default;
  void read(std::shared_ptr<const base::MappedFile> file);

  std::string path_;
  Bytes bytes_;
  CompiledAbout about_;
  std::shared_ptr<const ZipArchive> records_;
  std::vector<CompiledWeight> weights_;
  std::unordered_map<std::string_view, std::size_t> index_;  ///< views of weights_[i].name
};

/// Whether a model's record of this name is the bytes of a tensor.
bool is_tensor_record(std::string_view name);

/// Writes such a file, whole or not at all. `keep` tells for each record of `records` whether its bytes go in. Throws
/// InvalidInput naming the path where it cannot be written.
void write_compiled_file(const std::string& path, const CompiledAbout& about, const ZipArchive& records,
                         const std::vector<bool>& keep, std::vector<CompiledWeight> weights);

}  // namespace wherry::import
