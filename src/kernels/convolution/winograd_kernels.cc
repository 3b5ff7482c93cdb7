// The table of Winograd transforms, from the family's list, and the filters' transform.

#include "kernels/convolution/winograd_kernels.h"

#include "base/check.h"
#include "kernels/lanes.h"

namespace wherry::kernels {
namespace {

// G of F(2, 3) and F(4, 3); the other matrices are in winograd.inc.
constexpr double kRoot = 1.41421356237309504880;
constexpr double kFilter2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
constexpr double kFilter4[6][3] = {{1, 0, 0},
                                   {-2.0 / 3, -kRoot / 3, -1.0 / 3},
                                   {-2.0 / 3, kRoot / 3, -1.0 / 3},
                                   {1.0 / 6, kRoot / 6, 1.0 / 3},
                                   {1.0 / 6, -kRoot / 6, 1.0 / 3},
                                   {0, 0, 1}};

}  // namespace

// Defined in winograd_<isa>.cc.
#define WHERRY_WINOGRAD(isa, lanes, tile) extern const WinogradKernels kWinograd_##isa##_##tile;
#include "kernels/convolution/winograd_kernels.inc"
#undef WHERRY_WINOGRAD

const WinogradKernels& winograd_kernels(int tile, base::Isa isa) {
  isa = fixed_length_isa(isa);
#define WHERRY_WINOGRAD(isa_, lanes, tile_) \
  if (tile == tile_ && isa == base::Isa::isa_) return kWinograd_##isa_##_##tile_;
#include "kernels/convolution/winograd_kernels.inc"
#undef WHERRY_WINOGRAD
  base::fail_check("Winograd transforms for every tile and instruction set", base::name_of(isa), __FILE__, __LINE__);
}

base::Isa bf16_winograd_isa(base::Isa isa) {
  base::Isa best = base::Isa::scalar;
#define WHERRY_WINOGRAD(set, lanes, tile) \
  if (base::has_bf16(base::Isa::set) && base::includes(isa, base::Isa::set)) best = base::Isa::set;
#include "kernels/convolution/winograd_kernels.inc"
#undef WHERRY_WINOGRAD
  return best;
}

void winograd_filter(int tile, const double g[9], double* u) noexcept {
  const double(*const matrix)[3] = tile == 2 ? kFilter2 : kFilter4;
  const int n = tile + 2;
  double rows[6][3];
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < 3; ++j) rows[i][j] = matrix[i][0] * g[j] + matrix[i][1] * g[3 + j] + matrix[i][2] * g[6 + j];
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      u[i * n + j] = rows[i][0] * matrix[j][0] + rows[i][1] * matrix[j][1] + rows[i][2] * matrix[j][2];
}

}  // namespace wherry::kernels
