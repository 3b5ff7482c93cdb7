#pragma once
// What a file is, by its first bytes: so that someone who gives wherry the wrong file is told which file it is.

#include <cstddef>
#include <span>
#include <string>

namespace wherry::import {

/// A short description of contents that are no model wherry reads: "a safetensors file", "an HTML page (…)".
std::string describe_foreign_file(std::span<const std::byte> bytes);

}  // namespace wherry::import
