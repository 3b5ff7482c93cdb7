#pragma once
// The name of a test that runs on one instruction set.

#include <gtest/gtest.h>

#include <string>

#include "base/cpu.h"

namespace wherry::kernels {

inline std::string isa_name(const ::testing::TestParamInfo<base::Isa>& tested) {
  return std::string(base::name_of(tested.param));
}

}  // namespace wherry::kernels
