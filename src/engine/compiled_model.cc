#include "engine/compiled_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "import/printable.h"

namespace wherry::engine {
namespace {

using base::fail;

/// Weights up to here are kept as they were too, whether or not these shapes needed them: the passes compute with small
/// constants at once (fold_constants.cc: up to 2^14 elements), and which ones depends on the shape.
constexpr std::int64_t kAlwaysKept = std::int64_t{64} << 10;

std::string_view precision_word(const ChosenPrecision& precision) { return precision.bf16 ? "bf16" : "fp32"; }

/// What to do about a file for another instruction set.
std::string isa_hint(std::string_view isa) {
  const std::vector<base::Isa> runnable = base::runnable_isas();
  const bool here = std::any_of(runnable.begin(), runnable.end(), [&](base::Isa each) { return name_of(each) == isa; });
  return (here ? fmt::format("run it with WHERRY_FORCE_ISA={}, ", isa) : std::string()) +
         "compile the model again here, or with --portable, which lets any machine pack its weights again";
}

}  // namespace

base::Isa kernel_isa(const ChosenPrecision& precision, base::Isa isa) {
  return precision.bf16 ? isa : base::fp32_isa(isa);
}

Fit fit(const import::CompiledFile* file, Precision asked, base::Isa isa) {
  if (file == nullptr) return {choose_precision(asked, isa), false};
  const import::CompiledAbout& about = file->about();
  if (about.wherry_version != WHERRY_VERSION) {
    if (about.portable) return {choose_precision(asked, isa), false};
    fail<InvalidModel>(
        "{}: compiled by wherry {}, this is wherry {}, whose kernels may read weights in another order; "
        "compile the model again",
        file->path(), import::printable(about.wherry_version), WHERRY_VERSION);
  }
  const auto own = precision_from_name(about.precision);
  if (!own || *own == Precision::automatic)
    fail<InvalidModel>("{}: compiled for the unknown precision '{}'; fp32 and bf16 are known", file->path(),
                       import::printable(about.precision));
  const ChosenPrecision wanted = choose_precision(asked, isa);
  if (asked != Precision::automatic && precision_word(wanted) != about.precision && wanted.note.empty()) {
    if (about.portable) return {wanted, false};
    fail<InvalidInput>(
        "{}: compiled for {}, {} was asked for; leave --precision out, or compile the model with "
        "--precision {}",
        file->path(), about.precision, precision_word(wanted), precision_word(wanted));
  }
  Fit result{choose_precision(*own, isa), true};
  const base::Isa kernels = kernel_isa(result.precision, isa);
  if (name_of(kernels) != about.isa || precision_word(result.precision) != about.precision) {
    if (about.portable) return {wanted, false};
    fail<InvalidInput>("{}: compiled for {} kernels in {}, this process runs {} ones; {}", file->path(), about.isa,
                       about.precision, name_of(kernels), isa_hint(about.isa));
  }
  result.precision.note = precision_word(wanted) == about.precision
                              ? wanted.note
                              : fmt::format("the model was compiled for {}", about.precision);
  return result;
}

runtime::PackedWeights::Supply supply_of(std::shared_ptr<const import::CompiledFile> file, const Fit& fit) {
  if (file == nullptr || !fit.use_packed) return {};
  return [file = std::move(file)](const std::string& name) -> std::optional<runtime::PackedWeights::Held> {
    auto bytes = file->find(name);
    if (!bytes) return std::nullopt;
    return runtime::PackedWeights::Held{name, true, bytes->data, std::move(bytes->owner)};
  };
}

runtime::PackedWeights::Unsupplied unsupplied(const import::CompiledFile* file) {
  using Unsupplied = runtime::PackedWeights::Unsupplied;
  return file == nullptr || file->about().portable ? Unsupplied::packed : Unsupplied::absent;
}

std::span<const std::byte> weights_of(const import::CompiledFile* file, const Fit& fit) {
  if (file == nullptr || !fit.use_packed || file->weights().empty()) return {};
  const std::byte* begin = nullptr;
  const std::byte* end = nullptr;
  for (const import::CompiledWeight& weight : file->weights()) {
    if (begin == nullptr || weight.bytes.data() < begin) begin = weight.bytes.data();
    end = std::max(end, weight.bytes.data() + weight.bytes.size());
  }
  return {begin, end};
}

void write_compiled(const std::string& path, const import::Origin& origin, std::vector<bool> read,
                    const runtime::PackedWeights& weights, import::CompiledAbout about) {
  const auto& records = origin.records->records();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool tensor = import::is_tensor_record(records[i].name);
    if (!tensor || about.portable || records[i].size <= kAlwaysKept) read[i] = true;
  }
  about.wherry_version = WHERRY_VERSION;
  if (origin.kind == import::OriginKind::random_weights) about.portable = true;  // they can be drawn again anywhere
  about.kind = origin.kind;
  about.arch = origin.arch;
  const auto held = weights.held();
  std::vector<import::CompiledWeight> list;
  list.reserve(held.size());
  for (const auto& each : held) list.push_back({each.name, each.packed, each.bytes});
  import::write_compiled_file(path, about, *origin.records, read, std::move(list));
}

CompiledInfo info_of(const import::CompiledFile& file, const std::vector<TensorInfo>& inputs) {
  const import::CompiledAbout& about = file.about();
  CompiledInfo info;
  info.wherry_version = about.wherry_version;
  info.isa = about.isa;
  info.precision = about.precision;
  info.portable = about.portable;
  for (const auto& shapes : about.shapes) {
    auto& set = info.shapes.emplace_back();
    for (std::size_t i = 0; i < shapes.size(); ++i)
      set.push_back({i < inputs.size() ? inputs[i].name : std::string(), shapes[i].dtype, shapes[i].sizes});
  }
  info.file_bytes = static_cast<std::int64_t>(file.size());
  for (const import::CompiledWeight& weight : file.weights()) {
    ++(weight.packed ? info.packed_weights : info.plain_weights);
    (weight.packed ? info.packed_bytes : info.plain_bytes) += static_cast<std::int64_t>(weight.bytes.size());
  }
  for (const import::ZipRecord& record : file.records()->records()) {
    if (record.absent) {
      ++info.absent_weights;
    } else if (import::is_tensor_record(record.name)) {
      ++info.raw_weights;
      info.raw_bytes += record.size;
    } else {
      info.structure_bytes += record.size;
    }
  }
  return info;
}

}  // namespace wherry::engine
