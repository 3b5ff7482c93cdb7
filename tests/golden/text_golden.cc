#include "text_golden.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "golden_archive.h"
#include "import/npy/npy.h"

namespace wherry::golden {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& data) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << data;
}

/// seeded.json to model.safetensors: the header, then the tensors in its order.
std::string safetensors_of(const std::string& seeded) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  const nlohmann::json list = nlohmann::json::parse(seeded);
  for (const auto& [name, spec] : list.items()) {
    const auto values = spec.contains("values")
                            ? spec.at("values").get<std::vector<float>>()
                            : uniform(spec.at("seed"), spec.at("count"), spec.at("low"), spec.at("high"));
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    header[name] = {{"dtype", "F32"}, {"shape", spec.at("shape")}, {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + text + data;
}

/// Arrays named "0.in.input_ids", "0.out.logits".
std::vector<TextCase> cases_of(const fs::path& file) {
  std::map<std::string, TextCase> cases;
  for (auto& [name, tensor] : import::read_npz(file.string())) {
    const auto dot = name.find('.'), second = name.find('.', dot + 1);
    TextCase& each = cases[name.substr(0, dot)];
    auto& side = name.substr(dot + 1, second - dot - 1) == "in" ? each.inputs : each.outputs;
    side.emplace_back(name.substr(second + 1), std::move(tensor));
  }
  std::vector<TextCase> list;
  for (auto& [number, each] : cases) list.push_back(std::move(each));
  return list;
}

}  // namespace

TextGolden restore_text(const fs::path& golden, const fs::path& folder) {
  TextGolden result;
  result.model = folder;
  for (const auto& [name, data] : read_records(golden)) {
    if (name == "seeded.json") {
      write(folder / "model.safetensors", safetensors_of(data));
    } else if (name == "traced.golden") {
      write(folder / name, data);
      result.model = folder / "model.pt";
      restore(folder / name, result.model);
    } else if (name == "cases.npz") {
      write(folder / name, data);
      result.cases = cases_of(folder / name);
    } else {
      write(folder / name, data);
    }
  }
  return result;
}

}  // namespace wherry::golden
