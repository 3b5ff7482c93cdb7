#include "import/model_source.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/check.h"
#include "base/mapped_file.h"
#include "import/file_kind.h"
#include "import/huggingface/huggingface_source.h"
#include "import/huggingface/model_folder.h"
#include "import/state_dict/state_dict.h"
#include "import/state_dict/state_dict_source.h"
#include "import/torchscript/open.h"
#include "import/zip/zip_archive.h"

namespace wherry::import {
namespace {

using base::fail;

constexpr std::string_view kAccepted =
    "a TorchScript archive (.pt), a state dict (.pth, .bin), a compiled model (.wherry) or a Hugging Face folder with "
    "config.json is expected";

bool has_record_like(const ZipArchive& archive, std::string_view prefix, std::string_view suffix) {
  return std::any_of(archive.records().begin(), archive.records().end(), [&](const ZipRecord& record) {
    return record.name.starts_with(prefix) && record.name.ends_with(suffix);
  });
}

/// What a sound zip archive is that holds no model of ours.
std::string_view describe_foreign_archive(const ZipArchive& archive) {
  if (archive.find("archive_format") || archive.find("serialized_exported_program.json") ||
      has_record_like(archive, "models/", ".json"))
    return "a torch.export archive (.pt2), which wherry does not read yet; torch.jit.script or trace the model";
  if (archive.find("model.json"))
    return "a TorchScript archive from before PyTorch 1.4; save it again with a newer one";
  if (has_record_like(archive, "", ".npy")) return "an archive of NumPy arrays";
  if (has_record_like(archive, "", ".safetensors")) return "a zip archive of safetensors files";
  return "a zip archive without data.pkl";
}

}  // namespace

std::unique_ptr<ModelSource> open_model(const std::string& path, const std::string& arch) {
  if (huggingface::is_model_folder(path))
    return huggingface::make_huggingface_source(huggingface::read_model_folder(path), arch);
  if (std::error_code error; std::filesystem::is_directory(path, error))
    fail<InvalidInput>("{}: is a directory, and one without config.json; a Hugging Face model's folder has that", path);
  const auto file = base::MappedFile::open(path);
  if (ZipArchive::recognises(file->bytes())) {
    const auto archive = ZipArchive::open(file);
    if (!archive->find("data.pkl"))
      fail<InvalidModel>("{}: {}; {}", path, describe_foreign_archive(*archive), kAccepted);
    // torch.save writes no code; every scripted or traced module has some.
    if (archive->find("constants.pkl") || has_record_like(*archive, "code/", ".py")) return torchscript::open(archive);
    return make_state_dict_source(read_state_dict(archive), arch);
  }
  if (is_legacy_stream(file->bytes())) return make_state_dict_source(read_legacy_state_dict(file), arch);
  if (CompiledFile::recognises(file->bytes())) return make_compiled_source(CompiledFile::open(file), arch);
  fail<InvalidModel>("{}: {}; {}", path, describe_foreign_file(file->bytes()), kAccepted);
}

}  // namespace wherry::import
