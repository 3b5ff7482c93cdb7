#pragma once
// What the printer and the parser of graphs agree on.

#include <optional>
#include <string>
#include <string_view>

#include "tensor/lazy_tensor.h"

namespace wherry::ir::text {

/// Letters, digits, "_", "." and "$": what names consist of.
bool is_name_character(char c);

/// A constant that is described and not stored: `recipe` is "zeros", "ones" or "uniform(seed[, low, high])".
/// Its key tells recipe and type apart from every other constant; `copy` > 0 makes another one of the same contents.
tensor::LazyTensorPtr make_recipe(std::string_view recipe, DType dtype, const Dims& sizes, int copy);

/// The recipe of a key that make_recipe made.
std::optional<std::string> recipe_of_key(std::string_view key);

/// Reads and normalises "uniform(1,-1, 1)"; empty where it is no recipe.
std::optional<std::string> normalize_recipe(std::string_view text);

/// A stand-in for a constant known by key only: contents follow from the key, the key stays.
tensor::LazyTensorPtr make_stand_in(std::string key, DType dtype, const Dims& sizes);

}  // namespace wherry::ir::text
