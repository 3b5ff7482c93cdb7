#pragma once
// Turns one file of an archive's code/ folder into a syntax tree.

#include <memory>
#include <string>

#include "import/torchscript/ast.h"

namespace wherry::import::torchscript {

class OperationTable;

/// Parses `source`; `path` names it in messages. Throws InvalidModel with file and line where the text is no
/// TorchScript or nests too deeply, Unsupported for Python that TorchScript has but wherry lacks. The unit's source_map
/// stays null.
std::unique_ptr<CodeUnit> parse(std::string path, std::string source, OperationTable& operations);

}  // namespace wherry::import::torchscript
