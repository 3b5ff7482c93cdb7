#pragma once
// A record made of text in memory: a model's configuration beside the records of its weights.

#include <memory>
#include <string>
#include <string_view>

#include "import/zip/zip_archive.h"

namespace wherry::import {

/// An archive of the one record `name`; `path` stands in messages.
std::shared_ptr<const ZipArchive> text_record(std::string path, std::string_view name, std::string text);

}  // namespace wherry::import
