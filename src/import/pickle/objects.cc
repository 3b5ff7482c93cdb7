#include "import/pickle/objects.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/checked_math.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;
using Arguments = std::vector<PythonValue>;

/// What a global stands for.
enum class Meaning {
  storage_type,  ///< torch.FloatStorage: only ever named in a persistent id
  tensor,        ///< _rebuild_tensor, _rebuild_tensor_v2
  typed_tensor,  ///< _rebuild_tensor_v3: the dtype is an argument
  parameter,     ///< (data, …) → data
  subclassed,    ///< (function, class, arguments, state) → function(*arguments)
  ordered_dict,
  size,
  device,
  same,          ///< (value, …) → value
  sequence,      ///< (list) → list, () → []
  tensor_class,  ///< torch.Tensor, Parameter: named as a type, never called
};

struct Known {
  std::string_view module;
  std::string_view name;
  Meaning meaning;
};

constexpr std::array kKnown = {
    Known{"collections", "OrderedDict", Meaning::ordered_dict},
    Known{"torch._utils", "_rebuild_tensor", Meaning::tensor},
    Known{"torch._utils", "_rebuild_tensor_v2", Meaning::tensor},
    Known{"torch._utils", "_rebuild_tensor_v3", Meaning::typed_tensor},
    Known{"torch._utils", "_rebuild_parameter", Meaning::parameter},
    Known{"torch._utils", "_rebuild_parameter_with_state", Meaning::parameter},
    Known{"torch._tensor", "_rebuild_from_type_v2", Meaning::subclassed},
    Known{"torch._tensor", "_rebuild_from_type", Meaning::subclassed},
    Known{"torch", "Tensor", Meaning::tensor_class},
    Known{"torch.nn.parameter", "Parameter", Meaning::tensor_class},
    Known{"torch.nn.parameter", "Buffer", Meaning::tensor_class},
    Known{"torch", "Size", Meaning::size},
    Known{"torch", "device", Meaning::device},
    Known{"torch.serialization", "_get_layout", Meaning::same},
    Known{"torch.jit._pickle", "build_intlist", Meaning::same},
    Known{"torch.jit._pickle", "build_doublelist", Meaning::same},
    Known{"torch.jit._pickle", "build_boollist", Meaning::same},
    Known{"torch.jit._pickle", "build_tensorlist", Meaning::same},
    Known{"torch.jit._pickle", "restore_type_tag", Meaning::same},
    Known{"_codecs", "encode", Meaning::same},
    Known{"builtins", "set", Meaning::sequence},
    Known{"builtins", "frozenset", Meaning::sequence},
    Known{"__builtin__", "set", Meaning::sequence},
    Known{"__builtin__", "frozenset", Meaning::sequence},
};

struct StorageType {
  std::string_view name;
  std::optional<DType> dtype;
};

constexpr std::array kStorageTypes = {
    StorageType{"FloatStorage", DType::f32},     StorageType{"DoubleStorage", DType::f64},
    StorageType{"HalfStorage", DType::f16},      StorageType{"BFloat16Storage", DType::bf16},
    StorageType{"LongStorage", DType::i64},      StorageType{"IntStorage", DType::i32},
    StorageType{"ShortStorage", DType::i16},     StorageType{"CharStorage", DType::i8},
    StorageType{"ByteStorage", DType::u8},       StorageType{"BoolStorage", DType::boolean},
    StorageType{"UntypedStorage", std::nullopt},
};

const StorageType* find_storage_type(std::string_view module, std::string_view name) {
  if (module != "torch" && module != "torch.cuda" && module != "torch.storage") return nullptr;
  const auto* found =
      std::find_if(kStorageTypes.begin(), kStorageTypes.end(), [&](const auto& t) { return t.name == name; });
  return found == kStorageTypes.end() ? nullptr : found;
}

std::optional<Meaning> find_meaning(std::string_view module, std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name == name && known.module == module) return known.meaning;
  }
  if (find_storage_type(module, name)) return Meaning::storage_type;
  return std::nullopt;
}

/// PyTorch's names for dtypes wherry lacks, so that they are refused as what they are.
bool is_foreign_dtype(std::string_view name) {
  constexpr std::array prefixes = {"complex", "float8", "float4", "qint", "quint", "uint",  "int1",   "int2",   "int3",
                                   "int4",    "int5",   "int6",   "int7", "bits",  "chalf", "cfloat", "cdouble"};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::size_t text_size(const PythonValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text ? text->size() : 0;
}

constexpr std::string_view kHowToSave =
    "wherry does not run pickled classes; save model.state_dict() with torch.save, or torch.jit.script(model) with its "
    "save()";

}  // namespace

void ObjectBuilder::refuse(std::string_view finding) const { fail<InvalidModel>("{}: {}", context_.what, finding); }

PythonValue ObjectBuilder::global(std::string_view module, std::string_view name) const {
  if (find_meaning(module, name)) return Global{std::string(module), std::string(name)};
  const std::string shown = printable(fmt::format("{}.{}", module, name));
  if (module == "torch") {
    if (const auto dtype = dtype_from_name(name)) return *dtype;
    if (is_foreign_dtype(name)) refuse(fmt::format("{} tensors are not supported", shown));
    if (name.ends_with("Storage"))
      refuse(fmt::format("tensors in a {} (quantised, complex or of a new dtype) are not supported", shown));
  }
  if (context_.accepts_class && context_.accepts_class(module, name))
    return Global{std::string(module), std::string(name)};
  if (name.starts_with("_rebuild_q") || name.starts_with("_rebuild_sparse") || name.starts_with("_rebuild_nested") ||
      name.starts_with("_rebuild_meta") || name.starts_with("_rebuild_wrapper"))
    refuse(fmt::format(
        "it holds tensors made by {} (quantised, sparse, nested, meta or wrapped), which are not supported; "
        "dense float and integer tensors are",
        shown));
  // Classes are capitalised, functions are not; a model file with a foreign class is nearly always a whole nn.Module.
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (!last.empty() && last[0] >= 'A' && last[0] <= 'Z')
    refuse(fmt::format("it holds a pickled object of class {}, not only weights; {}", shown, kHowToSave));
  refuse(fmt::format("{} is not something a model file needs; refused, and nothing was run", shown));
}

PythonValue ObjectBuilder::persistent(const PythonValue& id) {
  const Arguments& items = items_of(id, "a persistent id");
  const auto* kind = items.empty() ? nullptr : std::get_if<std::string>(&items[0]);
  if (kind && *kind == "module") refuse(fmt::format("it holds a whole pickled nn.Module; {}", kHowToSave));
  if (!kind || *kind != "storage" || items.size() < 5) refuse("a persistent id is not a tensor storage");
  const auto* type = std::get_if<Global>(&items[1]);
  const StorageType* storage_type = type ? find_storage_type(type->module, type->name) : nullptr;
  const auto* key = std::get_if<std::string>(&items[2]);
  if (!storage_type || !key) refuse("a storage's persistent id has no storage type or no key");
  const std::int64_t numel = integer(items[4], "a storage's length");
  budget_.charge(sizeof(Storage) + 512 + key->size());
  if (!context_.storage) refuse("it holds tensors, which are not expected here");

  StorageView view{context_.storage(*key, storage_type->dtype, numel), 0};
  if (items.size() > 5) {
    // Files from before PyTorch 0.4 may name a part of a storage: (key of the view, offset, length).
    if (auto* tuple = std::get_if<Tuple*>(&items[5])) {
      if ((*tuple)->items.size() != 3) refuse("a storage view has not three parts");
      view.offset = integer((*tuple)->items[1], "a storage view's offset");
    }
  }
  Instance* handle = heap_.new_instance("torch.storage");
  storages_.emplace(handle, std::move(view));
  return handle;
}

PythonValue ObjectBuilder::call(const PythonValue& callable, const PythonValue& arguments) {
  const auto* global = std::get_if<Global>(&callable);
  if (!global) refuse(fmt::format("it calls a {}, which is no function", printable(type_name(callable))));
  const std::string name = printable(fmt::format("{}.{}", global->module, global->name));
  const Arguments& args = items_of(arguments, "the arguments of a call");
  const auto meaning = find_meaning(global->module, global->name);
  if (!meaning) refuse(fmt::format("it calls {}, which is not something a model file needs", name));
  auto first = [&]() -> const PythonValue& {
    if (args.empty()) refuse(fmt::format("{} is called without arguments", name));
    return args[0];
  };
  switch (*meaning) {
    case Meaning::tensor: return tensor(args, name, false);
    case Meaning::typed_tensor: return tensor(args, name, true);
    case Meaning::parameter:
      if (!std::holds_alternative<tensor::LazyTensorPtr>(first()))
        refuse(fmt::format("{} is called without a tensor", name));
      return args[0];
    case Meaning::subclassed: {
      const auto* function = args.size() < 3 ? nullptr : std::get_if<Global>(&args[0]);
      const auto inner = function ? find_meaning(function->module, function->name) : std::nullopt;
      if (inner != Meaning::tensor && inner != Meaning::typed_tensor && inner != Meaning::parameter)
        refuse(fmt::format("{} is called for something other than a dense tensor", name));
      return call(args[0], args[2]);  // one level: `inner` is none of this kind
    }
    case Meaning::ordered_dict: return ordered_dict(args);
    case Meaning::size: return heap_.new_tuple(copy_of(items_of(first(), "the sizes of torch.Size")));
    case Meaning::device: return device(args);
    case Meaning::same: return first();
    case Meaning::sequence:
      return heap_.new_list(args.empty() ? Arguments{} : copy_of(items_of(args[0], "a set's elements")));
    case Meaning::storage_type:
    case Meaning::tensor_class: break;
  }
  refuse(fmt::format("it calls {}, which is only expected as a type", name));
}

PythonValue ObjectBuilder::instance(const PythonValue& type, const PythonValue& arguments) {
  const auto* global = std::get_if<Global>(&type);
  if (!global) refuse(fmt::format("it makes an object of a {}, which is no class", printable(type_name(type))));
  if (find_meaning(global->module, global->name)) return call(type, arguments);
  budget_.charge(sizeof(Instance) + global->module.size() + global->name.size() + 1);
  return heap_.new_instance(global->module + '.' + global->name);
}

void ObjectBuilder::set_state(const PythonValue& object, const PythonValue& state) {
  // An OrderedDict brings its Python attributes (`_metadata`), a parameter its own: nothing of the contents is in them.
  if (std::holds_alternative<Dict*>(object) || std::holds_alternative<tensor::LazyTensorPtr>(object)) return;
  const auto* instance = std::get_if<Instance*>(&object);
  if (!instance || storages_.contains(*instance))
    refuse(fmt::format("it sets the state of a {}", printable(type_name(object))));
  const auto* dict = std::get_if<Dict*>(&state);
  budget_.charge(2 * sizeof(std::pair<std::string, PythonValue>) * (dict ? (*dict)->items.size() : 1));
  const bool named = dict && std::all_of((*dict)->items.begin(), (*dict)->items.end(), [](const auto& item) {
                       return std::holds_alternative<std::string>(item.first);
                     });
  if (!named) {
    (*instance)->attributes.emplace_back("__state__", state);
    return;
  }
  for (const auto& [key, value] : (*dict)->items) {
    const auto& name = std::get<std::string>(key);
    budget_.charge(name.size() + text_size(value));
    (*instance)->attributes.emplace_back(name, value);
  }
}

PythonValue ObjectBuilder::tensor(const Arguments& args, std::string_view function, bool typed_by_argument) {
  if (args.size() < (typed_by_argument ? 7u : 4u))
    refuse(fmt::format("{} is called with {} arguments", function, args.size()));
  const auto* handle = std::get_if<Instance*>(&args[0]);
  const auto found = handle ? storages_.find(*handle) : storages_.end();
  if (found == storages_.end()) refuse(fmt::format("{} is called without a storage", function));
  std::optional<DType> dtype = found->second.storage->dtype;
  if (typed_by_argument) {
    const auto* given = std::get_if<DType>(&args[6]);
    if (!given) refuse(fmt::format("{} is called without a dtype", function));
    dtype = *given;
  }
  if (!dtype) refuse(fmt::format("{} is called for a storage without a dtype", function));
  const auto offset = base::checked_add(found->second.offset, integer(args[1], "a tensor's offset"));
  if (found->second.offset < 0 || !offset) refuse("a tensor's offset is out of range");
  auto made = cut_tensor(found->second.storage, *dtype, *offset, dims(args[2], "a tensor's sizes"),
                         dims(args[3], "a tensor's strides"), context_.what);
  budget_.charge(sizeof(tensor::LazyTensor) + 512 + 4 * made->key().size());
  return tensors_.try_emplace(made->key(), made).first->second;
}

PythonValue ObjectBuilder::ordered_dict(const Arguments& args) {
  budget_.charge(2 * sizeof(Dict));
  Dict* dict = heap_.new_dict();
  if (args.empty()) return dict;
  for (const PythonValue& entry : items_of(args[0], "the items of an OrderedDict")) {
    const Arguments& pair = items_of(entry, "an item of an OrderedDict");
    if (pair.size() != 2) refuse("an item of an OrderedDict is no pair");
    budget_.charge(4 * sizeof(PythonValue) + text_size(pair[0]) + text_size(pair[1]));
    dict->items.emplace_back(pair[0], pair[1]);
  }
  return dict;
}

PythonValue ObjectBuilder::device(const Arguments& args) const {
  const auto* name = args.empty() ? nullptr : std::get_if<std::string>(&args[0]);
  if (!name) refuse("torch.device is called without a name");
  if (args.size() > 1) return Device{fmt::format("{}:{}", *name, integer(args[1], "a device's index"))};
  return Device{*name};
}

const Arguments& ObjectBuilder::items_of(const PythonValue& value, std::string_view expected) const {
  if (const auto* tuple = std::get_if<Tuple*>(&value)) return (*tuple)->items;
  if (const auto* list = std::get_if<List*>(&value)) return (*list)->items;
  refuse(fmt::format("{} should be a tuple or list, found {}", expected, printable(type_name(value))));
}

std::int64_t ObjectBuilder::integer(const PythonValue& value, std::string_view expected) const {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (!number) refuse(fmt::format("{} should be an int, found {}", expected, printable(type_name(value))));
  return *number;
}

Arguments ObjectBuilder::copy_of(const Arguments& items) const {
  budget_.charge(sizeof(Tuple) + items.size() * sizeof(PythonValue));
  for (const PythonValue& item : items) budget_.charge(text_size(item));
  return items;
}

Dims ObjectBuilder::dims(const PythonValue& value, std::string_view expected) const {
  const Arguments& items = items_of(value, expected);
  constexpr std::size_t kMaxDims = 64;
  if (items.size() > kMaxDims)
    refuse(fmt::format("{}: {} dimensions; at most {} are expected", expected, items.size(), kMaxDims));
  Dims result;
  for (const PythonValue& item : items) result.push_back(integer(item, expected));
  return result;
}

}  // namespace wherry::import
