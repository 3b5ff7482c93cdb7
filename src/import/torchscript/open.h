#pragma once
// The door to the TorchScript importer.

#include <memory>

namespace wherry::import {
class ModelSource;
class ZipArchive;
}  // namespace wherry::import

namespace wherry::import::torchscript {

/// `archive` holds code/ and data.pkl. Throws InvalidModel or Unsupported, each naming the file.
std::unique_ptr<ModelSource> open(std::shared_ptr<const ZipArchive> archive);

}  // namespace wherry::import::torchscript
