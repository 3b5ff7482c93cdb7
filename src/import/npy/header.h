#pragma once
// The header of a .npy file: a Python dict literal with three entries, read by a small parser of just that.

#include <string>
#include <string_view>

#include "wherry/tensor.h"

namespace wherry::import {

struct NpyHeader {
  std::string descr;  ///< "<f4"
  bool fortran_order = false;
  Dims shape;
};

/// Throws InvalidInput, beginning with `what`, where it is no such dict.
NpyHeader parse_npy_header(std::string_view text, const std::string& what);

}  // namespace wherry::import
