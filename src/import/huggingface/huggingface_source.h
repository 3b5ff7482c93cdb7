#pragma once
// A Hugging Face model of the BERT, DistilBERT or RoBERTa family, as a model.

#include <memory>
#include <string>

#include "import/model_source.h"

namespace wherry::import::huggingface {

/// From the records of read_model_folder(), or those kept in a compiled file. `arch` is transformers' class to read the
/// model as ("BertForMaskedLM"); empty for what config.json names, or for the sentence embedding where modules.json
/// describes one. Throws InvalidModel, InvalidInput and Unsupported naming the file.
std::unique_ptr<ModelSource> make_huggingface_source(std::shared_ptr<const ZipArchive> records,
                                                     const std::string& arch);

}  // namespace wherry::import::huggingface
