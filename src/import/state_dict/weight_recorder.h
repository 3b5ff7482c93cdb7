#pragma once
// What the recorders of architectures share: nodes that know their module, and parameters by name from a state dict.
// The same walk that records the graph finds everything in which the state dict differs.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/state_dict/state_dict.h"
#include "ir/graph.h"

namespace wherry::import {

class WeightRecorder {
 protected:
  WeightRecorder(ir::Graph& graph, const StateDict& weights) : graph_(graph), weights_(weights) {}

  /// The entry of this name as float32, in which graphs begin: half-precision checkpoints are widened when they are
  /// packed. One that is missing or of other sizes is noted for differences().
  ir::Value* parameter(const std::string& name, Dims sizes);
  ir::Value* record(std::string_view op, std::vector<ir::Value*> inputs, ir::Attributes attributes,
                    const std::string& path);
  /// Missing and mis-shaped entries, a phrase each.
  std::vector<std::string> differences() const;

  ir::Graph& graph_;
  const StateDict& weights_;

 private:
  std::vector<std::string> missing_;
  std::vector<std::string> misshaped_;
};

/// "3 missing (a, b, c)": the first few of the names.
std::string first_few(std::span<const std::string> names, std::string_view what);

}  // namespace wherry::import
