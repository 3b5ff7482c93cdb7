#include "cli/compiled_report.h"

#include <fmt/format.h>

#include "cli/terminal.h"

namespace wherry::cli {

std::string contents_of(const CompiledInfo& info) {
  const auto part = [](std::int64_t count, std::string_view what, std::int64_t bytes) {
    return fmt::format("{} {} ({})", count, what, human_bytes(bytes));
  };
  return fmt::format("{}, {}, {}, structure {}", part(info.packed_weights, "packed weights", info.packed_bytes),
                     part(info.plain_weights, "plain", info.plain_bytes),
                     part(info.raw_weights, "original", info.raw_bytes), human_bytes(info.structure_bytes));
}

Json json_of(const CompiledInfo& info) {
  Json shapes = Json::array();
  for (const auto& set : info.shapes) {
    Json inputs = Json::array();
    for (const TensorInfo& input : set)
      inputs.push_back({{"name", input.name}, {"dtype", name_of(*input.dtype)}, {"sizes", *input.sizes}});
    shapes.push_back(std::move(inputs));
  }
  return {{"wherry_version", info.wherry_version}, {"isa", info.isa},
          {"precision", info.precision},           {"portable", info.portable},
          {"shapes", std::move(shapes)},           {"file_bytes", info.file_bytes},
          {"packed_weights", info.packed_weights}, {"packed_bytes", info.packed_bytes},
          {"plain_weights", info.plain_weights},   {"plain_bytes", info.plain_bytes},
          {"original_weights", info.raw_weights},  {"original_bytes", info.raw_bytes},
          {"absent_weights", info.absent_weights}, {"structure_bytes", info.structure_bytes}};
}

}  // namespace wherry::cli
