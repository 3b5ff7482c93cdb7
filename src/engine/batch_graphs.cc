// The size of a slice weighs two streams against each other. Each slice reads all weights once, from L3 or memory: many
// elements share that. Each element's activations go from step to step, through L2 while they are few. So a slice has
// as many elements as it takes for them to write as many numbers as it reads weights.
//
// But most models of images begin with large images and end with large weights, so that no size suits all their steps:
// of ResNet-50's bf16 slices those of 4 measured best with AMX, those of 1 without. Where one value passes from the one
// part to the other, the first takes one element at a time, and the second those of the slice.

#include "engine/batch_graphs.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "ir/batch_slices.h"
#include "ir/segments.h"
#include "wherry/error.h"

namespace wherry::engine {
namespace {

/// A graph that reads and writes fewer numbers than this is done before a second thread is awake.
constexpr std::int64_t kWorthSlicing = std::int64_t{1} << 17;

/// A slice, or a stage of it, that writes fewer numbers than this is done in so few microseconds that beginning it
/// counts.
constexpr std::int64_t kLeastSlice = std::int64_t{1} << 14;

/// Threads that are busy for a smaller share of the time, the work being uneven, lose more than slices gain.
constexpr double kLeastEven = 0.87;

/// A number that a step writes is worth so many of its weights, where caches must choose: it is written, was brought
/// there to be overwritten, and is read again, by loads that wait. Weights are asked for in advance.
constexpr std::int64_t kActivation = 4;

/// A first stage has one activation of so many at least.
constexpr std::int64_t kWorthStage = 4;

/// Weights that stay in L2 between elements need not be shared …
constexpr std::int64_t kLeastShared = std::int64_t{1} << 19;
/// … and those of so many elements cost each of them little.
constexpr std::int64_t kMostShared = 8;

struct Traffic {
  std::int64_t weights = 0;      // numbers that convolutions and products with constants read
  std::int64_t activations = 0;  // numbers that the steps write

  Traffic& operator+=(const Traffic& other) {
    weights += other.weights, activations += other.activations;
    return *this;
  }
};

Traffic traffic_of(const ir::Node& node) {
  if (node.op() == "view") return {};
  const bool product = node.op() == "convolution" || node.op() == "matmul";
  return {product && node.input(1)->is_constant() ? node.input(1)->type().numel() : 0, node.output()->type().numel()};
}

Traffic traffic_of(const ir::Graph& graph) {
  Traffic traffic;
  for (const ir::Node* node : graph.nodes()) traffic += traffic_of(*node);
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

/// Where a slice is cut into two stages, and how many elements the second one wants.
struct Cut {
  std::size_t at = 0;  // nodes before it; 0 for no cut
  std::int64_t wanted = 0;
};

Cut cut_of(const ir::Graph& whole, std::int64_t batch) {
  const std::vector<ir::Node*> nodes = whole.nodes();
  const std::vector<ir::Value*> waists = ir::waists(whole);
  const auto gain = [&](const Traffic& traffic) { return kActivation * traffic.activations - batch * traffic.weights; };
  Traffic before, head;
  Cut cut;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (waists[i] != nullptr && gain(before) > gain(head)) head = before, cut.at = i;
    before += traffic_of(*nodes[i]);
  }
  const Traffic tail{before.weights - head.weights, before.activations - head.activations};
  // Weights that stay in L2 anyway need not be shared, nor few activations be kept there.
  if (tail.weights < kLeastShared || head.activations < batch * kLeastSlice ||
      kWorthStage * head.activations < before.activations)
    return {};
  cut.wanted = 1;
  while (cut.wanted < kMostShared && kActivation * tail.activations * cut.wanted < batch * tail.weights)
    cut.wanted *= 2;
  return cut;
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
    graphs.slice.push_back(std::move(slice));
    return true;
  };
  const auto divide = [&](const ir::Graph& slice, std::size_t at) {
    for (const std::int64_t few : {1, 2}) {
      const std::int64_t size = batch_of(slice);
      if (few >= size || size % few > 0) return;
      const ir::Graph head = graph_of(few);
      // Repeating something for a batch of 1 is no operation, which makes another graph.
      if (ir::obstacle_to_slices(graphs.whole, head)) continue;
      std::vector<ir::Graph> stages;
      stages.push_back(ir::segment(head, 0, at));
      stages.push_back(ir::segment(slice, at, slice.node_count()));
      graphs.slice = std::move(stages);
      return;
    }
  };
  try {
    const Cut cut = cut_of(graphs.whole, batch);
    const std::int64_t most = cut.at > 0 ? cut.wanted : wanted;
    std::int64_t size = 0;
    for (std::int64_t each = most; each >= std::min(most, wanted) && size == 0; each /= 2)
      size = slice_size(batch, threads, each);
    if (size == 0) {
      // All of the batch is one thread's slice.
      if (threads == 1 && cut.at > 0) divide(graphs.whole, cut.at);
      return graphs;
    }
    if (!try_size(size)) {
      if (size > 1) return graphs;
      // As in `divide`: a batch of 1 may be what is in the way.
      const std::int64_t second = slice_size(batch, threads, std::max<std::int64_t>(wanted, 2), 2);
      if (second <= 1 || !try_size(second)) return graphs;
    }
    if (cut.at > 0) divide(graphs.slice[0], cut.at);
  } catch (const Error&) {
    // The model takes no such batch: a size is written into it.
    graphs.slice.clear();
    graphs.rest.reset();
  }
  return graphs;
}

}  // namespace wherry::engine
