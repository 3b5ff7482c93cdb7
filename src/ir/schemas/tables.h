#pragma once
// The signature tables, one function a theme, and how a signature is read. The text is that of PyTorch's
// native_functions.yaml without "aten::"; "-> … as NAME" at the end records the overload under another op's name.

#include <string_view>
#include <vector>

#include "ir/ops.h"

namespace wherry::ir::schemas {

const std::vector<std::string_view>& activation();
const std::vector<std::string_view>& arithmetic();
const std::vector<std::string_view>& comparison();
const std::vector<std::string_view>& convolution();
const std::vector<std::string_view>& creation();
const std::vector<std::string_view>& indexing();
const std::vector<std::string_view>& joining();
const std::vector<std::string_view>& matmul();
const std::vector<std::string_view>& normalisation();
const std::vector<std::string_view>& pooling();
const std::vector<std::string_view>& reduction();
const std::vector<std::string_view>& views();

/// A signature and the name it was found under ("max" for "max.other(…) -> Tensor as maximum").
struct Parsed {
  std::string listed_as;
  Schema schema;
};

/// Reads one signature. Throws InternalError with signature and column: the tables are ours.
Parsed parse_signature(std::string_view text);

}  // namespace wherry::ir::schemas
