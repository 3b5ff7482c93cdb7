// Bytes as the source of a model's code: whatever they say, the importer makes a graph or throws one of wherry's
// errors.

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "import/torchscript/interpreter.h"
#include "ir/ops.h"

namespace {

using namespace wherry;
using namespace wherry::import;
using namespace wherry::import::torchscript;

// An endless loop should cost a fuzzer milliseconds.
constexpr std::size_t kBudget = 20000;

std::unique_ptr<ModuleTree> make_tree() {
  Heap heap;
  Instance* root = heap.new_instance("__torch__.m.M");
  Instance* child = heap.new_instance("__torch__.m.C");
  const float values[] = {1, 2, 3, 4};
  const auto weight = tensor::LazyTensor::of(Tensor::of<float>({2, 2}, values));
  child->attributes.emplace_back("w", weight);
  child->attributes.emplace_back("training", true);
  root->attributes.emplace_back("training", true);
  root->attributes.emplace_back("c", child);
  root->attributes.emplace_back("0", child);
  root->attributes.emplace_back("w", weight);
  root->attributes.emplace_back("n", std::int64_t{2});
  root->attributes.emplace_back("l", heap.new_list({PythonValue(std::int64_t{1}), PythonValue(weight)}));
  return std::make_unique<ModuleTree>(std::move(heap), root);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<ModuleTree> tree = make_tree();
  const std::string source(reinterpret_cast<const char*>(data), size);
  CodeUnits code([&](const std::string& path) -> std::optional<Bytes> {
    if (path != "code/__torch__/m.py") return std::nullopt;
    return Bytes{std::as_bytes(std::span(source.data(), source.size())), nullptr};
  });
  const std::vector<PythonValue> constants = {tensor::LazyTensor::of(Tensor::zeros(DType::i64, {}))};
  ir::Graph graph;
  try {
    Interpreter interpreter(code, *tree, constants, graph, kBudget);
    Arguments arguments;
    arguments.positional.emplace_back(interpreter.tracer().fresh(graph.add_input("x", {DType::f32, {1, 2, 4, 4}, {}})));
    const PythonValue result = interpreter.run_forward(std::move(arguments));
    if (const auto* tensor = std::get_if<TracedTensor*>(&result)) {
      if (ir::Value* value = interpreter.tracer().read(**tensor)) graph.add_output(value, "output");
    }
    ir::verify(graph);
  } catch (const InternalError&) {
    std::abort();  // a bug of ours
  } catch (const Error&) {
  }
  return 0;
}
