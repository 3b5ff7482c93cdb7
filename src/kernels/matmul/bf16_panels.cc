// Cutting a bf16 B into panels, and packing them.

#include "kernels/matmul/bf16_panels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked_math.h"
#include "tensor/half.h"

namespace wherry::kernels {
namespace {

/// The largest even step that divides the depth and wastes at most a quarter of a tile product; 0 where there is none.
int dividing_step(std::int64_t depth) {
  if (kBf16Gathers) return 0;  // nothing is won by whole taps
  const std::int64_t fewest = base::ceil_div(depth, kBf16MaxStep);
  for (std::int64_t steps = fewest; steps <= fewest + fewest / 4 + 1; ++steps) {
    if (depth % (2 * steps) != 0) continue;
    const std::int64_t step = depth / steps;
    // A single short step has no alternative: padding would multiply zeros.
    if (fewest == 1 || 4 * depth >= 3 * steps * kBf16MaxStep) return static_cast<int>(step);
  }
  return 0;
}

/// The bf16 numbers whose sum is x, largest first. One that is no number, or infinite, is the first alone: what it is
/// multiplied by then makes NaN or infinity of every product, or NaN of their sum.
void parts_of(float x, std::uint16_t (&parts)[kBf16Parts]) {
  constexpr float kLargest = 0x1.fep127f;  // of bf16; fp32 numbers beyond would round to infinity
  parts[0] = tensor::float_to_bf16(std::isfinite(x) ? std::clamp(x, -kLargest, kLargest) : x);
  float rest = std::isfinite(x) ? x - tensor::bf16_to_float(parts[0]) : 0;
  for (int p = 1; p < kBf16Parts; ++p) {
    parts[p] = tensor::float_to_bf16(rest);
    rest -= tensor::bf16_to_float(parts[p]);
  }
}

}  // namespace

Bf16Panels make_bf16_panels(std::int64_t columns, std::int64_t taps, std::int64_t depth, bool in_parts) {
  Bf16Panels panels;
  panels.parts = in_parts ? kBf16Parts : 1;
  panels.columns = columns;
  panels.taps = taps;
  panels.depth = depth;
  panels.tiles = base::ceil_div(columns, kBf16TileColumns);
  panels.count = base::ceil_div(panels.tiles, 2);
  // Many taps of very few channels make steps that are mostly air.
  const int step = in_parts || (taps > 1 && depth < 8) ? 0 : dividing_step(depth);
  panels.divided = step > 0;
  if (panels.divided) {
    panels.step = step;
    panels.steps = depth / step;
  } else {
    panels.steps = base::ceil_div(taps * depth, kBf16MaxStep);
  }
  return panels;
}

void pack_bf16_panel(const Bf16Panels& panels, std::int64_t panel, const Bf16Source& source, std::byte* packed) {
  const std::int64_t first = panels.first_column(panel);
  const int tiles = panels.column_tiles(panel), columns = panels.columns_of(panel);
  const std::int64_t step = panels.step;
  auto* to = reinterpret_cast<std::uint16_t*>(packed);
  const auto* f32 = static_cast<const float*>(source.data);
  const auto* bf16 = static_cast<const std::uint16_t*>(source.data);
  const std::int64_t steps = panels.all_steps();
  const std::int64_t part = tiles * step * 16, step_elements = panels.parts * part;
  std::memset(packed, 0, static_cast<std::size_t>(steps * tiles * panels.tile_bytes()));
  // Column by column, as a weight's depth often lies side by side in memory.
  for (int j = 0; j < columns; ++j) {
    const std::int64_t column = (first + j) * source.column_stride;
    std::uint16_t* const tile = to + j / 16 * (step * 16) + j % 16 * kBf16Group;
    const std::int64_t windows = source.sizes[0] * source.sizes[1];
    for (std::int64_t window = 0; window < windows; ++window) {
      std::int64_t at =
          column + window / source.sizes[1] * source.strides[0] + window % source.sizes[1] * source.strides[1];
      std::int64_t s = window * source.padded_channels / step, inside = window * source.padded_channels % step;
      for (std::int64_t c = 0; c < source.sizes[2]; ++c, at += source.strides[2]) {
        std::uint16_t* const element =
            tile + s * step_elements + inside / kBf16Group * (16 * kBf16Group) + inside % kBf16Group;
        if (panels.parts == 1) {
          *element = source.is_bf16 ? bf16[at] : tensor::float_to_bf16(f32[at]);
        } else {
          std::uint16_t parts[kBf16Parts];
          parts_of(f32[at], parts);
          for (int p = 0; p < kBf16Parts; ++p) element[p * part] = parts[p];
        }
        if (++inside == step) inside = 0, ++s;
      }
    }
  }
}

}  // namespace wherry::kernels
