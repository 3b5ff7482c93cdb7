// Names to tensors and back. The files themselves are read and written by import/npy.

#include "cli/tensor_files.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/check.h"
#include "import/npy/npy.h"

namespace wherry::cli {
namespace {

using base::fail;

std::string name_of_input(const TensorInfo& info, std::size_t i) {
  return info.name.empty() ? fmt::format("input_{}", i) : info.name;
}

std::string list_of(const std::vector<TensorInfo>& inputs) {
  std::string names;
  for (std::size_t i = 0; i < inputs.size(); ++i) names += (i > 0 ? ", " : "") + name_of_input(inputs[i], i);
  return names;
}

}  // namespace

std::vector<Tensor> read_inputs(std::span<const std::string> arguments, const std::vector<TensorInfo>& inputs) {
  std::vector<std::optional<Tensor>> found(inputs.size());
  const auto index_of = [&](std::string_view name) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (name_of_input(inputs[i], i) == name) return i;
    return std::nullopt;
  };
  const auto set = [&](std::size_t i, Tensor tensor, const std::string& argument) {
    if (found[i])
      fail<InvalidInput>("--input {}: the input '{}' is given twice", argument, name_of_input(inputs[i], i));
    found[i] = std::move(tensor);
  };
  // Names first, so that nameless files go to the inputs that are left.
  std::vector<std::string> nameless;
  for (const std::string& argument : arguments) {
    const auto equals = argument.find('=');
    if (argument.ends_with(".npz")) {
      for (auto& [name, tensor] : import::read_npz(argument)) {
        const auto i = index_of(name);
        if (!i)
          fail<InvalidInput>("{}: holds an array '{}'; the model's inputs are {}", argument, name, list_of(inputs));
        set(*i, std::move(tensor), argument);
      }
    } else if (const auto i = equals == argument.npos ? std::nullopt : index_of(argument.substr(0, equals))) {
      set(*i, import::read_npy(argument.substr(equals + 1)), argument);
    } else if (equals != argument.npos && argument.find('/') > equals) {
      fail<InvalidInput>("--input {}: the model has no input '{}'; its inputs are {}", argument,
                         argument.substr(0, equals), list_of(inputs));
    } else {
      nameless.push_back(argument);
    }
  }
  for (const std::string& argument : nameless) {
    const auto free = std::find(found.begin(), found.end(), std::nullopt);
    if (free == found.end())
      fail<InvalidInput>("--input {}: is one too many; the model takes {} ({})", argument, inputs.size(),
                         list_of(inputs));
    *free = import::read_npy(argument);
  }
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i] && inputs[i].may_be_left_out()) {
      tensors.emplace_back();
      continue;
    }
    if (!found[i])
      fail<InvalidInput>("no --input for '{}'; the model takes {} ({})", name_of_input(inputs[i], i), inputs.size(),
                         list_of(inputs));
    tensors.push_back(std::move(*found[i]));
  }
  return tensors;
}

void check_output_path(const std::string& path) {
  if (!path.ends_with(".npz") && !path.ends_with(".npy"))
    fail<InvalidInput>("--output {}: ends in neither .npz nor .npy", path);
}

void write_outputs(const std::string& path, std::vector<std::string> names, std::span<const Tensor> outputs) {
  WHERRY_CHECK_EQ(names.size(), outputs.size());
  if (path.ends_with(".npy")) {
    if (outputs.size() != 1)
      fail<InvalidInput>("--output {}: the model has {} outputs; a .npy holds one, a .npz any number", path,
                         outputs.size());
    import::write_npy(path, outputs.front());
    return;
  }
  import::NamedTensors named;
  std::set<std::string> taken;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    for (int again = 2; !taken.insert(name).second; ++again) name = fmt::format("{}_{}", names[i], again);
    named.emplace_back(std::move(name), outputs[i]);
  }
  import::write_npz(path, named);
}

}  // namespace wherry::cli
