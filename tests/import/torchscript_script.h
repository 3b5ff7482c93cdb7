#pragma once
// A TorchScript model in memory: a file of source, a module object with attributes, and the interpreter over them.

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "import/torchscript/interpreter.h"
#include "import/torchscript/values.h"
#include "tensor/elements.h"

namespace wherry::import::torchscript {

class Script {
 public:
  /// `source` is the file of the root's class: "class M(Module):\n  def forward(self, …".
  explicit Script(std::string source, std::string path = "code/__torch__/m.py") {
    files_[std::move(path)] = std::move(source);
    root_ = heap_.new_instance("__torch__.m.M");
  }

  /// Just the body of `forward(self, x)`, one statement a line.
  static Script body(const std::string& lines) {
    std::string indented = "    ";
    for (const char c : lines) {
      indented += c;
      if (c == '\n') indented += "    ";
    }
    return Script("class M(Module):\n  def forward(self, x):\n" + indented + "\n");
  }

  Instance* root() { return root_; }
  Heap& heap() { return heap_; }
  void add_file(const std::string& path, std::string source) { files_[path] = std::move(source); }
  void add_constant(Tensor tensor) { constants_.emplace_back(tensor::LazyTensor::of(std::move(tensor))); }

  PythonValue run(std::vector<ir::TensorType> inputs = {{DType::f32, {1, 3, 4, 4}, {}}}) {
    if (!code_) {
      code_ = std::make_unique<CodeUnits>([this](const std::string& path) -> std::optional<Bytes> {
        const auto found = files_.find(path);
        if (found == files_.end()) return std::nullopt;
        return Bytes{std::as_bytes(std::span(found->second.data(), found->second.size())), nullptr};
      });
      tree_ = std::make_unique<ModuleTree>(std::move(heap_), root_);
    }
    graph_ = ir::Graph();
    interpreter_ = std::make_unique<Interpreter>(*code_, *tree_, constants_, graph_);
    Arguments arguments;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      arguments.positional.emplace_back(
          interpreter_->tracer().fresh(graph_.add_input(fmt::format("x{}", i), inputs[i])));
    }
    return interpreter_->run_forward(std::move(arguments));
  }

  /// str() of what forward returns.
  std::string text() { return to_text(run()); }

  /// The elements of the tensor that forward returns, which must depend on no input.
  std::vector<double> numbers() {
    const PythonValue result = run();
    const auto contents = interpreter_->tracer().known_contents(*std::get<TracedTensor*>(result));
    std::vector<double> values;
    for (std::int64_t i = 0; contents && i < contents->numel(); ++i) {
      values.push_back(tensor::load_double(contents->data(), contents->dtype(), i));
    }
    return values;
  }

  /// The ops of the graph that the returned tensor needs, in order: "relu add".
  std::string ops() {
    const PythonValue result = run();
    graph_.add_output(interpreter_->tracer().read(*std::get<TracedTensor*>(result)), "output");
    graph_.erase_dead();
    ir::verify(graph_);
    std::string names;
    for (const ir::Node* node : graph_.nodes()) names += (names.empty() ? "" : " ") + node->op().substr(6);
    return names;
  }

  /// what() of the error that running throws; empty where it throws none of type E.
  template <typename E>
  std::string error() {
    try {
      run();
    } catch (const E& caught) {
      return caught.what();
    }
    return "";
  }

  ir::Graph& graph() { return graph_; }
  Interpreter& interpreter() { return *interpreter_; }

 private:
  std::map<std::string, std::string> files_;
  Heap heap_;
  Instance* root_;
  std::vector<PythonValue> constants_;
  std::unique_ptr<CodeUnits> code_;
  std::unique_ptr<ModuleTree> tree_;
  ir::Graph graph_;
  std::unique_ptr<Interpreter> interpreter_;
};

}  // namespace wherry::import::torchscript
