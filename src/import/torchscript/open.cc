#include "import/torchscript/open.h"

#include <algorithm>
#include <mutex>
#include <unordered_set>

#include "base/check.h"
#include "import/model_source.h"
#include "import/pickle/unpickler.h"
#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"
#include "import/zip/zip_archive.h"

namespace wherry::import::torchscript {
namespace {

// Versions of the archive format that PyTorch has given out; each can read all before it.
constexpr std::int64_t kFirstVersion = 1;
constexpr std::int64_t kLastVersion = 10;

constexpr int kMaxOutputs = 10000;

/// One argument of forward after self.
struct Input {
  std::string name;
  bool tensor = false;
  bool required = false;
};

bool is_tensor_type(const Expr* type) {
  if (type == nullptr) return true;  // unannotated arguments are tensors
  const std::string text = type_text(*type);
  return text == "Tensor" || text == "Optional[Tensor]";
}

class TorchScriptSource : public ModelSource {
 public:
  explicit TorchScriptSource(std::shared_ptr<const ZipArchive> archive)
      : archive_(std::move(archive)), code_([this](const std::string& path) { return read_code(path); }) {
    check_version();
    constants_ = read_constants();
    Heap heap;
    const PythonValue root = read_pickle("data.pkl", "data", heap);
    const auto* instance = std::get_if<Instance*>(&root);
    if (instance == nullptr) {
      base::fail<InvalidModel>("{}: data.pkl holds a {}, expected a module", archive_->path(), type_name(root));
    }
    tree_ = std::make_unique<ModuleTree>(std::move(heap), *instance);
    read_inputs();
  }

  ModelInfo describe() const override {
    const std::lock_guard lock(mutex_);
    if (!info_) info_ = make_info();
    return *info_;
  }

  Origin origin() const override { return {OriginKind::torchscript, {}, archive_}; }

  ir::Graph graph(std::span<const ir::TensorType> inputs) const override {
    ir::Graph graph;
    Interpreter interpreter(code_, *tree_, constants_, graph);
    Arguments arguments = make_arguments(inputs, graph, interpreter.tracer());
    try {
      const PythonValue result = interpreter.run_forward(std::move(arguments));
      int left = kMaxOutputs;
      add_outputs(result, "", 0, interpreter.tracer(), left);
      if (!interpreter.tracer().complete()) {
        throw Unsupported(interpreter.tracer().missing().front().op, interpreter.tracer().missing());
      }
      if (graph.outputs().empty())
        base::fail<InvalidModel>("the model returns no tensor but {}", to_text(result, true, 100));
    } catch (const InvalidModel& error) {
      throw InvalidModel(fmt::format("{}: {}", archive_->path(), error.what()));
    } catch (const InvalidInput& error) {
      throw InvalidInput(fmt::format("{}: {}", archive_->path(), error.what()));
    } catch (const Unsupported& error) {
      throw Unsupported(fmt::format("{}: {}", archive_->path(), error.what()), error.items());
    }
    graph.erase_dead();
    return graph;
  }

 private:
  void check_version() const {
    for (const char* record : {"version", ".data/version"}) {
      if (archive_->find(record) == nullptr) continue;
      const Bytes bytes = archive_->read(record, 100);
      std::int64_t version = 0;
      for (const char c : bytes.text()) {
        if (c >= '0' && c <= '9' && version < 1000) version = version * 10 + (c - '0');
      }
      if (version < kFirstVersion) base::fail<InvalidModel>("{}: {} holds no version number", archive_->path(), record);
      if (version > kLastVersion) {
        base::fail<Unsupported>("{}: archive version {}; wherry reads versions {} to {}", archive_->path(), version,
                                kFirstVersion, kLastVersion);
      }
      break;
    }
    if (archive_->find("byteorder") != nullptr && archive_->read("byteorder", 100).text() == "big") {
      base::fail<Unsupported>("{}: tensors are stored big-endian; wherry reads little-endian ones", archive_->path());
    }
  }

  std::optional<Bytes> read_code(const std::string& path) const {
    if (archive_->find(path) == nullptr) return std::nullopt;
    return archive_->read(path);
  }

  PythonValue read_pickle(const std::string& record, const std::string& folder, Heap& heap) const {
    UnpickleContext context;
    context.what = fmt::format("{}: {}", archive_->path(), record);
    context.storage = [&](const std::string& key, std::optional<DType> dtype, std::int64_t numel) {
      return storage_of_record(archive_, folder, key, dtype, numel);
    };
    context.accepts_class = [](std::string_view module, std::string_view) {
      return module == "__torch__" || module.starts_with("__torch__.");
    };
    const Bytes bytes = archive_->read(record);
    return unpickle(bytes.data, heap, context).value;
  }

  std::vector<PythonValue> read_constants() {
    if (archive_->find("constants.pkl") == nullptr) return {};
    const PythonValue value = read_pickle("constants.pkl", "constants", constants_heap_);
    const std::vector<PythonValue>* items = elements(value);
    if (items == nullptr) {
      base::fail<InvalidModel>("{}: constants.pkl holds a {}, expected a tuple", archive_->path(), type_name(value));
    }
    return *items;
  }

  const ClassDef& root_class() const {
    const ClassDef* type = code_.find_class(tree_->root()->class_name);
    if (type == nullptr) {
      base::fail<InvalidModel>("{}: the code of class {} is missing", archive_->path(), tree_->root()->class_name);
    }
    return *type;
  }

  void read_inputs() try {
    const FunctionDef* forward = root_class().find_method("forward");
    if (forward == nullptr) base::fail<InvalidModel>("class {} has no method forward", tree_->root()->class_name);
    for (std::size_t i = 1; i < forward->parameters.size(); ++i) {
      const Parameter& parameter = forward->parameters[i];
      const Input input{parameter.name, is_tensor_type(parameter.type), parameter.fallback == nullptr};
      if (!input.tensor && input.required) {
        base::fail<Unsupported>("forward's argument {} is a {} without a default; wherry gives a model tensors only",
                                input.name, type_text(*parameter.type));
      }
      inputs_.push_back(input);
    }
  } catch (const InvalidModel& error) {
    throw InvalidModel(fmt::format("{}: {}", archive_->path(), error.what()));
  } catch (const Unsupported& error) {
    throw Unsupported(fmt::format("{}: {}", archive_->path(), error.what()));
  }

  ModelInfo make_info() const {
    ModelInfo info;
    info.format = "TorchScript";
    for (const Input& input : inputs_) {
      if (input.tensor) info.inputs.push_back({input.name, std::nullopt, std::nullopt});
    }
    std::unordered_set<std::string> counted;
    for (const auto& [instance, path] : tree_->instances()) {
      const ClassDef* type = code_.find_class(instance->class_name);
      if (type == nullptr) continue;
      for (const std::string& name : type->parameters) {
        const PythonValue* value = instance->find(name);
        const auto* tensor = value != nullptr ? std::get_if<tensor::LazyTensorPtr>(value) : nullptr;
        if (tensor == nullptr || !counted.insert((*tensor)->key()).second) continue;
        const std::int64_t count = element_count((*tensor)->sizes());
        info.parameter_count += count;
        info.parameter_bytes += count * static_cast<std::int64_t>(size_of((*tensor)->dtype()));
      }
    }
    return info;
  }

  Arguments make_arguments(std::span<const ir::TensorType> types, ir::Graph& graph, Tracer& tracer) const {
    const auto accepts = static_cast<std::size_t>(
        std::count_if(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.tensor; }));
    const auto needs = static_cast<std::size_t>(
        std::count_if(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.required; }));
    if (types.size() < needs || types.size() > accepts) {
      std::string names;
      for (const Input& input : inputs_) {
        if (input.tensor) names += (names.empty() ? "" : ", ") + input.name;
      }
      base::fail<InvalidInput>("{}: found {} inputs, expected {}{}: {}", archive_->path(), types.size(), needs,
                               needs == accepts ? "" : fmt::format(" to {}", accepts), names);
    }
    Arguments arguments;
    std::size_t next = 0;
    for (const Input& input : inputs_) {
      if (!input.tensor || next == types.size()) continue;
      const ir::TensorType type{types[next].dtype, types[next].sizes, {}};
      arguments.keywords.emplace_back(input.name, tracer.fresh(graph.add_input(input.name, type)));
      ++next;
    }
    return arguments;
  }

  // Opens up tuples, lists and dicts in order; None is left out.
  static void add_outputs(const PythonValue& value, const std::string& name, int depth, Tracer& tracer, int& left) {
    if (depth > 20) base::fail<InvalidModel>("the outputs nest more than 20 deep");
    if (--left < 0) base::fail<InvalidModel>("the model returns more than {} values", kMaxOutputs);
    const std::string prefix = name.empty() ? "" : name + ".";
    if (const auto* tensor = std::get_if<TracedTensor*>(&value)) {
      ir::Value* result = tracer.read(**tensor);
      if (result != nullptr) tracer.graph().add_output(result, name.empty() ? "output" : name);
    } else if (const auto* dict = std::get_if<Dict*>(&value)) {
      for (const auto& [key, item] : (*dict)->items)
        add_outputs(item, prefix + to_text(key, false, 100), depth + 1, tracer, left);
    } else if (const auto* items = elements(value)) {
      const auto* tuple = std::get_if<Tuple*>(&value);
      const bool named = tuple != nullptr && (*tuple)->names.size() == items->size();
      for (std::size_t i = 0; i < items->size(); ++i) {
        const std::string item_name = named ? (*tuple)->names[i] : std::to_string(i);
        add_outputs((*items)[i],
                    !prefix.empty() ? prefix + item_name
                    : named         ? item_name
                                    : "output_" + item_name,
                    depth + 1, tracer, left);
      }
    } else if (!std::holds_alternative<None>(value)) {
      base::fail<Unsupported>("the model returns a {}; wherry gives back tensors only", type_name(value));
    }
  }

  std::shared_ptr<const ZipArchive> archive_;
  mutable CodeUnits code_;
  Heap constants_heap_;
  std::vector<PythonValue> constants_;
  std::unique_ptr<ModuleTree> tree_;
  std::vector<Input> inputs_;
  mutable std::mutex mutex_;
  mutable std::optional<ModelInfo> info_;
};

}  // namespace

std::unique_ptr<ModelSource> open(std::shared_ptr<const ZipArchive> archive) {
  return std::make_unique<TorchScriptSource>(std::move(archive));
}

}  // namespace wherry::import::torchscript
