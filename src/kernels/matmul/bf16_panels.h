#pragma once
// The packed form of a constant bf16 B: columns cut into panels of two tiles, each panel stored step by step so that a
// block kernel reads it as one stream. The instruction sets of an architecture share it.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernels/matmul/bf16_block.h"

namespace wherry::kernels {

/// B [taps · depth, columns] in steps of depth.
///   divided   each tap is `steps` equal steps that fill it exactly: A can be read where it lies, tap by tap
///   else      all taps are one run of depth, cut into steps of kBf16MaxStep, the last padded with zeros: A must be
///             gathered
struct Bf16Panels {
  std::int64_t columns = 0;
  std::int64_t taps = 1;
  std::int64_t depth = 0;  ///< of one tap
  bool divided = true;
  int step = kBf16MaxStep;
  std::int64_t steps = 0;  ///< of one tap, or of all taps together where not divided
  int parts = 1;           ///< of each number: 1, or kBf16Parts of an fp32 one; those are never divided
  std::int64_t tiles = 0;  ///< of 16 columns, in all panels
  std::int64_t count = 0;  ///< of panels

  std::int64_t all_steps() const { return divided ? taps * steps : steps; }
  std::int64_t padded_depth() const { return all_steps() * step; }
  /// Bytes of one column tile, one step, all parts.
  std::int64_t tile_bytes() const { return std::int64_t{32} * step * parts; }
  /// Bytes of one column tile, all steps.
  std::int64_t strip_bytes() const { return all_steps() * tile_bytes(); }
  std::int64_t bytes() const { return tiles * strip_bytes(); }
  std::int64_t offset(std::int64_t panel) const { return 2 * panel * strip_bytes(); }
  std::int64_t first_column(std::int64_t panel) const { return panel * kBf16BlockColumns; }
  int column_tiles(std::int64_t panel) const { return 2 * panel + 1 < tiles ? 2 : 1; }
  int columns_of(std::int64_t panel) const {
    const std::int64_t left = columns - first_column(panel);
    return static_cast<int>(left < kBf16BlockColumns ? left : kBf16BlockColumns);
  }
};

/// The name of this form.
constexpr std::string_view bf16_packed_format(bool in_parts) {
  return kBf16Group == 4 ? "bf16_quads32" : in_parts ? "bf16_panel32_parts" : "bf16_panel32";
}

Bf16Panels make_bf16_panels(std::int64_t columns, std::int64_t taps, std::int64_t depth, bool in_parts = false);

/// Where B comes from: fp32 numbers that are rounded to nearest even or come in parts, or bf16 ones. Element (k,
/// column), k running over all taps, is at data + i · strides[0] + j · strides[1] + c · strides[2] + column ·
/// column_stride (in elements) where k = (i · sizes[1] + j) · padded_channels + c, and zero where c ≥ sizes[2].
struct Bf16Source {
  const void* data;
  bool is_bf16;
  std::int64_t sizes[3];
  std::int64_t padded_channels;
  std::int64_t strides[3];
  std::int64_t column_stride;

  /// A plain matrix.
  static Bf16Source matrix(const void* data, bool is_bf16, std::int64_t depth, std::int64_t depth_stride,
                           std::int64_t column_stride) {
    return {data, is_bf16, {1, 1, depth}, depth, {0, 0, depth_stride}, column_stride};
  }
};

/// Packs one panel to `packed`, where that panel starts.
void pack_bf16_panel(const Bf16Panels& panels, std::int64_t panel, const Bf16Source& source, std::byte* packed);

}  // namespace wherry::kernels
