// A compiled model is the original's reader over the records in the file, so every input shape works that works with
// the original. Only its weights come from elsewhere.

#include "base/check.h"
#include "import/huggingface/huggingface_source.h"
#include "import/model_source.h"
#include "import/printable.h"
#include "import/state_dict/state_dict.h"
#include "import/state_dict/state_dict_source.h"
#include "import/torchscript/open.h"

namespace wherry::import {
namespace {

class CompiledSource : public ModelSource {
 public:
  CompiledSource(std::unique_ptr<ModelSource> original, std::shared_ptr<const CompiledFile> file)
      : original_(std::move(original)), file_(std::move(file)) {}

  ModelInfo describe() const override {
    ModelInfo info = original_->describe();
    info.format = "compiled " + info.format;
    return info;
  }
  ir::Graph graph(std::span<const ir::TensorType> inputs) const override { return original_->graph(inputs); }
  Origin origin() const override { return original_->origin(); }
  std::shared_ptr<const CompiledFile> compiled() const override { return file_; }

 private:
  std::unique_ptr<ModelSource> original_;
  std::shared_ptr<const CompiledFile> file_;
};

std::unique_ptr<ModelSource> open_original(const CompiledFile& file) {
  switch (file.about().kind) {
    case OriginKind::torchscript: return torchscript::open(file.records());
    case OriginKind::state_dict: return make_state_dict_source(read_state_dict(file.records()), file.about().arch);
    case OriginKind::legacy_state_dict:
      return make_state_dict_source(read_legacy_state_dict(file.records()), file.about().arch);
    case OriginKind::huggingface: return huggingface::make_huggingface_source(file.records(), file.about().arch);
    case OriginKind::random_weights: return make_random_source(*file.records(), file.about().arch);
  }
  base::fail<InternalError>("a bug in wherry: an unknown origin of a compiled model");
}

}  // namespace

std::unique_ptr<ModelSource> make_compiled_source(std::shared_ptr<const CompiledFile> file, const std::string& arch) {
  const std::string& own = file->about().arch;
  if (!arch.empty() && !own.empty() && arch != own)
    base::fail<InvalidInput>("{}: compiled from weights of {}; the architecture '{}' was asked for", file->path(),
                             printable(own), printable(arch));
  auto original = open_original(*file);
  return std::make_unique<CompiledSource>(std::move(original), std::move(file));
}

}  // namespace wherry::import
