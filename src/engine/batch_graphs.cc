// The size of a slice weighs two streams against each other. Each slice reads all weights once, from L3 or memory: many
// elements share that. Each element's activations go from step to step, through L2 while they are few. So a slice has
// as many elements as it takes for them to write as many numbers as it reads weights: 4 for ResNet-50, 1 for
// MobileNetV2, and those are also what measured best of 1, 2, 4, 8 and 16, in fp32 and in bf16.

#include "engine/batch_graphs.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/checked_math.h"
#include "ir/batch_slices.h"
#include "wherry/error.h"

namespace wherry::engine {
namespace {

/// A graph that reads and writes fewer numbers than this is done before a second thread is awake.
constexpr std::int64_t kWorthSlicing = std::int64_t{1} << 17;

/// A slice that writes fewer numbers than this is done in so few microseconds that beginning it counts.
constexpr std::int64_t kLeastSlice = std::int64_t{1} << 14;

/// Threads that are busy for a smaller share of the time, the work being uneven, lose more than slices gain.
constexpr double kLeastEven = 0.87;

struct Traffic {
  std::int64_t weights = 0;      // numbers that convolutions and products with constants read
  std::int64_t activations = 0;  // numbers that the steps write
};

Traffic traffic_of(const ir::Graph& graph) {
  Traffic traffic;
  for (const ir::Node* node : graph.nodes()) {
    if (node->op() == "view") continue;
    traffic.activations += node->output()->type().numel();
    const bool product = node->op() == "convolution" || node->op() == "matmul";
    if (product && node->input(1)->is_constant()) traffic.weights += node->input(1)->type().numel();
  }
  return traffic;
}

/// The batch that all inputs have in common, 0 where they have none.
std::int64_t batch_of(const ir::Graph& graph) {
  if (graph.inputs().empty()) return 0;
  std::int64_t batch = -1;
  for (const ir::Value* input : graph.inputs()) {
    if (input->type().sizes.empty()) return 0;
    if (batch >= 0 && input->type().sizes[0] != batch) return 0;
    batch = input->type().sizes[0];
  }
  return batch;
}

/// Elements that the busiest of the threads works on, when each takes the next slice.
std::int64_t most_work(std::int64_t batch, int threads, std::int64_t size) {
  const std::int64_t slices = batch / size;
  const std::int64_t rest = batch % size;
  const std::int64_t most = base::ceil_div(slices, threads) * size;
  return slices % threads == 0 ? most + rest : most;
}

}  // namespace

std::int64_t slice_size(std::int64_t batch, int threads, std::int64_t wanted, std::int64_t least) {
  // Two slices that one thread runs in turn gain nothing over both at once.
  if (threads == 1 && batch <= 2 * wanted) return 0;
  const std::int64_t share = base::ceil_div(batch, threads);
  std::int64_t best = 0;
  const auto cost = [&](std::int64_t size) { return most_work(batch, threads, size); };
  const auto distance = [&](std::int64_t size) { return std::abs(size - wanted); };
  for (std::int64_t size = std::max(least, wanted / 2); size <= std::min({2 * wanted, share, batch - 1}); ++size) {
    if (best == 0 || std::pair(cost(size), distance(size)) <= std::pair(cost(best), distance(best))) best = size;
  }
  if (best == 0) return 0;
  const double even = static_cast<double>(batch) / static_cast<double>(threads * cost(best));
  return even >= kLeastEven ? best : 0;
}

BatchGraphs batch_graphs(ir::Graph whole, int threads, const std::function<ir::Graph(std::int64_t batch)>& graph_of) {
  BatchGraphs graphs{std::move(whole), {}, {}};
  const std::int64_t batch = batch_of(graphs.whole);
  if (batch < 2) return graphs;
  const Traffic traffic = traffic_of(graphs.whole);
  if (traffic.weights + traffic.activations < kWorthSlicing) return graphs;
  std::int64_t wanted = 1;
  const std::int64_t least = std::max(traffic.weights, kLeastSlice);
  while (wanted < batch && traffic.activations * wanted / batch < least) wanted *= 2;
  const auto try_size = [&](std::int64_t size) {
    ir::Graph slice = graph_of(size);
    if (ir::obstacle_to_slices(graphs.whole, slice)) return false;
    if (batch % size > 0) {
      ir::Graph rest = graph_of(batch % size);
      if (ir::obstacle_to_slices(graphs.whole, rest)) return false;
      graphs.rest = std::move(rest);
    }
    graphs.slice = std::move(slice);
    return true;
  };
  try {
    const std::int64_t size = slice_size(batch, threads, wanted);
    if (size == 0 || try_size(size) || size > 1) return graphs;
    // Repeating something for a batch of 1 is no operation, which makes another graph.
    const std::int64_t second = slice_size(batch, threads, std::max<std::int64_t>(wanted, 2), 2);
    if (second > 1) try_size(second);
  } catch (const Error&) {
    // The model takes no such batch: a size is written into it.
  }
  return graphs;
}

}  // namespace wherry::engine
