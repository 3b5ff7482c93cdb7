// The table of window kernels, from the family's list.

#include "kernels/convolution/window_kernels.h"

#include "base/check.h"
#include "kernels/lanes.h"

namespace wherry::kernels {

// Defined in windows_<isa>.cc.
#define WHERRY_WINDOW(kind, isa, lanes, pixels) extern const WindowKernels kWindow_##kind##_##isa;
#include "kernels/convolution/kernels.inc"
#undef WHERRY_WINDOW

const WindowKernels& window_kernels(WindowKind kind, base::Isa isa) {
  isa = fixed_length_isa(isa);
#define WHERRY_WINDOW(kind_, isa_, lanes, pixels) \
  if (kind == WindowKind::kind_ && isa == base::Isa::isa_) return kWindow_##kind_##_##isa_;
#include "kernels/convolution/kernels.inc"
#undef WHERRY_WINDOW
  base::fail_check("a window kernel for every kind and instruction set", base::name_of(isa), __FILE__, __LINE__);
}

base::Isa bf16_window_isa(base::Isa isa) {
  base::Isa best = base::Isa::scalar;
#define WHERRY_WINDOW(kind, set, lanes, pixels) \
  if (base::has_bf16(base::Isa::set) && base::includes(isa, base::Isa::set)) best = base::Isa::set;
#include "kernels/convolution/kernels.inc"
#undef WHERRY_WINDOW
  return best;
}

}  // namespace wherry::kernels
