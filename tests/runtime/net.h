#pragma once
// Small graphs of the core set, built by hand with memory orders chosen by the test, and the check that a plan of them
// computes what they mean.

#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "ir/graph.h"

namespace wherry::runtime {

/// A graph and inputs for it, filled with reproducible random numbers.
class Net {
 public:
  explicit Net(unsigned seed = 1) : random_(seed) {}

  /// A row-major graph input. Floating values lie in [-1, 1), integers in [low, high].
  ir::Value* input(Dims sizes, DType dtype = DType::f32, int low = 0, int high = 3);
  ir::Value* constant(Dims sizes, DType dtype = DType::f32, int low = 0, int high = 3);
  /// A node with one result of these sizes; `strides` empty means row-major.
  ir::Value* node(std::string op, std::vector<ir::Value*> inputs, ir::Attributes attributes, Dims sizes,
                  Dims strides = {}, DType dtype = DType::f32);
  ir::Value* elementwise(std::string_view program, std::vector<ir::Value*> inputs, Dims sizes, Dims strides = {},
                         DType dtype = DType::f32);
  /// The same value with channels innermost.
  ir::Value* channels_last(ir::Value* value);
  void output(ir::Value* value) { graph_.add_output(value, "output_" + std::to_string(graph_.outputs().size())); }

  ir::Graph& graph() { return graph_; }
  const std::vector<Tensor>& inputs() const { return inputs_; }

 private:
  Tensor random_tensor(const Dims& sizes, DType dtype, int low, int high);

  std::mt19937 random_;
  ir::Graph graph_;
  std::vector<Tensor> inputs_;
};

/// Channels-last strides of [N, C, H, W].
Dims image_strides(const Dims& sizes);

/// Attributes of a 3×3 convolution that keeps the size of its image.
ir::Attributes padded_convolution(const char* epilogue);

/// Three convolutions with a residual, a pool and a linear layer, for any batch and image size. The weights depend on
/// the seed alone.
void build_small_resnet(Net& net, std::int64_t batch, std::int64_t side);

/// Plans the graph for every instruction set that runs here and teams of 1, 2 and 3 threads, runs each plan twice, and
/// expects the interpreter's outputs. Floating results may differ by `tolerance` × the largest magnitude of the output.
void expect_plan_computes(Net& net, double tolerance = 2e-6);

/// Compares two tensors so; reports under `what`.
void expect_close(const Tensor& found, const Tensor& expected, double tolerance, const std::string& what);

}  // namespace wherry::runtime
