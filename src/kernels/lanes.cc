#include "kernels/lanes.h"

#include "base/cpu.h"

namespace wherry::kernels {

int lanes_of(int listed) {
  return listed != kVectorLength ? listed : base::sve_bytes() / static_cast<int>(sizeof(float));
}

base::Isa fixed_length_isa(base::Isa isa) {
  return isa == base::Isa::sve && lanes_of(kVectorLength) != 8 ? base::Isa::neon : isa;
}

}  // namespace wherry::kernels
