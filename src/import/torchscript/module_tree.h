#pragma once
// The objects of a model file, as the unpickler built them, with each module's path. A call of the model may change
// them, so each call works on a copy.

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "import/python_value.h"

namespace wherry::import::torchscript {

class ModuleTree {
 public:
  /// Walks everything reachable from `root`. `heap` owns it.
  ModuleTree(Heap heap, Instance* root);

  Instance* root() const { return root_; }
  /// Instances in order of discovery, the root first; with their paths ("layer1.0.conv1", empty for the root).
  const std::vector<std::pair<const Instance*, std::string>>& instances() const { return instances_; }

  struct Copy {
    Instance* root = nullptr;
    std::unordered_map<const Instance*, const std::string*> paths;  ///< of the copy's instances
    std::vector<Instance*> instances;                               ///< in order of discovery
  };
  /// A deep copy in `heap`, as a model in evaluation mode: every module's `training` is False. Tensors stay shared.
  Copy copy(Heap& heap) const;

 private:
  Heap heap_;
  Instance* root_;
  std::vector<std::pair<const Instance*, std::string>> instances_;
};

}  // namespace wherry::import::torchscript
