// Every convolution of ResNet-50 or MobileNetV2, in the network's order: so weights come from memory and activations
// from wherever the layer before left them, as in an inference. Prints, or gives as JSON, each layer's speed and its
// share of the machine's measured peak; benchmarks/compare --layers makes tables of it. Operations are those of the
// formula, so Winograd may pass 100 %.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/cores.h"
#include "kernels/convolution/bench_networks.h"
#include "kernels/convolution/convolution.h"
#include "kernels/matmul/bench_team.h"
#include "wherry/error.h"

namespace wherry::kernels {
namespace {

constexpr const char* kExamples = R"(Examples:
  convolution_bench                                     ResNet-50, batch 1, all cores, the machine's best instructions
  convolution_bench --network mobilenet_v2 --threads 1
  convolution_bench --precision bf16 --isa avx512_bf16
  convolution_bench --isa avx2 --batch 8 --json

Each time is the layer's best over all runs; "peak" is what multiply-adds that never leave registers reach.)";

struct Settings {
  std::string network = "resnet50";
  std::string precision = "fp32";
  std::string isa_name;
  int threads = base::usable_cores();
  std::int64_t batch = 1;
  int runs = 0;  ///< 0: about two seconds' worth
  bool warm = false;
  bool winograd = true;
  bool strassen = true;
  bool json = false;

  /// What the products are computed with: fp32 does not use what bf16 instructions add.
  base::Isa isa() const {
    const base::Isa chosen = isa_name.empty() ? base::selected_isa() : base::isa_from_name(isa_name, "--isa ");
    if (precision == "fp32") return base::fp32_isa(chosen);
    if (!base::has_bf16(chosen))
      base::fail<InvalidInput>(
          "--precision bf16: the instruction set {} multiplies no bf16 numbers; amx, avx512_bf16, neon_bf16 and "
          "sve_bf16 do",
          base::name_of(chosen));
    return chosen;
  }
};

struct Step {
  bench::Layer layer;
  std::unique_ptr<const Convolution> kernel;
  std::size_t weight_bytes = 0;
  ConvolutionArguments arguments;
  double best = 1e9;  ///< seconds
};

/// The network's layers with packed weights, and the memory that they work in.
struct Network {
  std::vector<Step> steps;
  base::AlignedBuffer weights;                   ///< of all layers, side by side as a model's are
  std::vector<base::AlignedBuffer> activations;  ///< input, output and residual take turns
  std::vector<base::AlignedBuffer> scratch;      ///< one a thread
  std::vector<float> bias = std::vector<float>(4096, 0.1f);
};

Network prepare(const Settings& settings) {
  const base::Isa isa = settings.isa();
  Network network;
  std::size_t most_activations = 0, most_scratch = 0, weight_bytes = 0;
  for (bench::Layer& layer :
       settings.network == "resnet50" ? bench::resnet50(settings.batch) : bench::mobilenet_v2(settings.batch)) {
    if (settings.precision == "bf16") bench::make_bf16(layer);
    if (settings.winograd) layer.shape.weights.winograd = choose_winograd(layer.shape, isa);
    if (settings.strassen) layer.shape.weights.strassen = prefers_strassen(layer.shape, isa);
    const ConvolutionShape& shape = layer.shape;
    Step step{layer, make_convolution(shape, isa, settings.threads), packed_bytes(shape.weights, isa), {}};
    weight_bytes += step.weight_bytes;
    most_scratch = std::max(most_scratch, step.kernel->scratch_bytes());
    most_activations = std::max<std::size_t>(most_activations,
                                             sizeof(float) * shape.batch *
                                                 std::max(shape.in_h * shape.in_w * shape.weights.in_channels,
                                                          shape.out_h() * shape.out_w() * shape.weights.out_channels));
    network.steps.push_back(std::move(step));
  }
  network.weights = base::AlignedBuffer(weight_bytes);
  std::memset(network.weights.data(), 0, weight_bytes);
  std::byte* weights = network.weights.data();
  for (int i = 0; i < 3; ++i) {
    network.activations.emplace_back(most_activations + most_activations / 4 + 65536);  // room for halos
    std::memset(network.activations.back().data(), 0, network.activations.back().size());
  }
  for (int t = 0; t < settings.threads; ++t) network.scratch.emplace_back(most_scratch + 64);
  for (std::size_t i = 0; i < network.steps.size(); ++i) {
    const bench::Layer& layer = network.steps[i].layer;
    ConvolutionArguments& arguments = network.steps[i].arguments;
    const ConvolutionShape& shape = layer.shape;
    arguments.x = network.activations[i % 3].data();
    if (shape.x_halo)
      arguments.x = network.activations[i % 3].data() +
                    2 * (shape.pad_top * shape.x_stride_h + shape.pad_left * shape.x_stride_w);
    arguments.epilogue.residual_dtype = shape.y_dtype;
    arguments.y = network.activations[(i + 1) % 3].data();
    arguments.weights = weights;
    weights += network.steps[i].weight_bytes;
    arguments.epilogue.bias = network.bias.data();
    if (layer.residual) arguments.epilogue.residual = network.activations[(i + 2) % 3].data();
    arguments.epilogue.residual_row_stride = layer.shape.weights.out_channels;
    if (layer.clamp) arguments.epilogue.low = 0;
  }
  return network;
}

/// What a thread reads first of a step's weights, as the runtime tells the step before.
const void* first_weights(const Step& step, int thread, int threads) {
  return static_cast<const std::byte*>(step.arguments.weights) +
         step.kernel->weight_offset(step.kernel->items() * thread / threads);
}

/// Fills each step's best time; returns the sorted times of whole networks, in seconds. Warm: each step runs four times
/// in a row and the last one counts.
std::vector<double> time_network(Network& network, const Settings& settings) {
  const int runs = settings.runs > 0 ? settings.runs : settings.network == "resnet50" ? 60 : 300;
  const int threads = settings.threads, repeats = settings.warm ? 4 : 1;
  bench::Barrier barrier(threads);
  std::vector<double> totals;
  bench::run_team(threads, [&](int t) {
    for (int run = 0; run < runs; ++run) {
      barrier.wait();
      double total = 0, last = bench::now();
      for (std::size_t i = 0; i < network.steps.size(); ++i) {
        Step& step = network.steps[i];
        ConvolutionArguments arguments = step.arguments;
        if (i + 1 < network.steps.size() && !settings.warm)
          arguments.next = first_weights(network.steps[i + 1], t, threads);
        double took = 0;
        for (int repeat = 0; repeat < repeats; ++repeat) {
          const std::int64_t items = step.kernel->items();
          step.kernel->run(arguments, items * t / threads, items * (t + 1) / threads, network.scratch[t].data());
          barrier.wait();
          if (t != 0) continue;
          const double time = bench::now();
          took = time - last;
          last = time;
        }
        if (t != 0) continue;
        step.best = std::min(step.best, took);
        total += took;
      }
      if (t == 0) totals.push_back(total);
    }
  });
  std::sort(totals.begin(), totals.end());
  return totals;
}

double operations_of(const ConvolutionShape& s) {
  return 2.0 *
         static_cast<double>(s.batch * s.out_h() * s.out_w() * s.weights.out_channels *
                             (s.weights.in_channels / s.weights.groups) * s.weights.kernel_h * s.weights.kernel_w);
}

/// Layers of one shape, summed.
struct Row {
  std::string layer, kernel;
  std::int64_t items = 0;
  int count = 0;
  double seconds = 0, operations = 0, weight_bytes = 0;
};

std::vector<Row> rows_of(const Network& network) {
  std::vector<Row> rows;
  std::map<std::string, std::size_t> index;
  for (const Step& step : network.steps) {
    const ConvolutionShape& s = step.layer.shape;
    const std::string name =
        fmt::format("{}x{} {} -> {} {}x{}{}{}", s.in_h, s.in_w, s.weights.in_channels, s.weights.out_channels,
                    s.weights.kernel_h, s.weights.kernel_w, s.stride_h > 1 ? fmt::format(" /{}", s.stride_h) : "",
                    s.weights.groups > 1 ? " depthwise" : "");
    const auto [at, is_new] = index.emplace(name + (step.layer.residual ? "+" : ""), rows.size());
    if (is_new)
      rows.push_back(
          {name + (step.layer.residual ? " + residual" : ""), std::string(step.kernel->name()), step.kernel->items()});
    Row& row = rows[at->second];
    ++row.count;
    row.seconds += step.best;
    row.operations += operations_of(s);
    row.weight_bytes += static_cast<double>(step.weight_bytes);
  }
  return rows;
}

void print_table(const Settings& settings, const std::vector<Row>& rows, const std::vector<double>& totals,
                 double peak) {
  double operations = 0, best = 0;
  for (const Row& row : rows) operations += row.operations, best += row.seconds;
  for (const Row& row : rows)
    fmt::print(
        "{:<34} x{} {:<20} {:>5} items {:8.1f} us {:7.1f} GFLOP/s {:5.1f} %, weights {:5.1f} GB/s, {:4.1f} % of "
        "the time\n",
        row.layer, row.count, row.kernel, row.items, row.seconds / row.count * 1e6, row.operations / row.seconds * 1e-9,
        peak > 0 ? row.operations / row.seconds / peak * 100 : 0.0, row.weight_bytes / row.seconds * 1e-9,
        row.seconds / best * 100);
  const double median = totals[totals.size() / 2];
  fmt::print(
      "{} batch {} {} {} {} threads: median {:.2f} ms, min {:.2f} ms, sum of layers' best {:.2f} ms; {:.1f} GFLOP/s of "
      "{:.1f} = {:.1f} %\n",
      settings.network, settings.batch, settings.precision, base::name_of(settings.isa()), settings.threads,
      median * 1e3, totals[0] * 1e3, best * 1e3, operations / median * 1e-9, peak * 1e-9,
      peak > 0 ? operations / median / peak * 100 : 0.0);
}

void print_json(const Settings& settings, const std::vector<Row>& rows, const std::vector<double>& totals,
                double peak) {
  double operations = 0;
  for (const Row& row : rows) operations += row.operations;
  const double median = totals[totals.size() / 2];
  nlohmann::ordered_json document = {{"network", settings.network},
                                     {"batch", settings.batch},
                                     {"precision", settings.precision},
                                     {"isa", base::name_of(settings.isa())},
                                     {"threads", settings.threads},
                                     {"warm", settings.warm},
                                     {"median_ms", median * 1e3},
                                     {"min_ms", totals[0] * 1e3},
                                     {"gflops", operations / median * 1e-9},
                                     {"peak_gflops", peak * 1e-9},
                                     {"layers", nlohmann::ordered_json::array()}};
  for (const Row& row : rows)
    document["layers"].push_back({{"layer", row.layer},
                                  {"count", row.count},
                                  {"kernel", row.kernel},
                                  {"items", row.items},
                                  {"microseconds", row.seconds / row.count * 1e6},
                                  {"gflops", row.operations / row.seconds * 1e-9},
                                  {"weight_gigabytes_per_second", row.weight_bytes / row.seconds * 1e-9}});
  fmt::print("{}\n", document.dump(1));
}

int run(int argc, char** argv) {
  Settings settings;
  CLI::App app("Times each convolution of a network");
  app.footer(kExamples);
  app.add_option("--network", settings.network, "resnet50 (default) or mobilenet_v2")
      ->check(CLI::IsMember({"resnet50", "mobilenet_v2"}))
      ->type_name("NAME");
  app.add_option("--precision", settings.precision,
                 "What is multiplied and kept between layers: fp32 (default) or bf16")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->type_name("NAME");
  app.add_option("--isa", settings.isa_name, "Instruction set (default: WHERRY_FORCE_ISA, else the machine's best)")
      ->type_name("NAME");
  app.add_option("--threads", settings.threads, "Threads (default: all usable cores)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.add_option("--batch", settings.batch, "Images at once (default 1)")->check(CLI::Range(1, 4096))->type_name("N");
  app.add_option("--runs", settings.runs, "Inferences (default 60 of resnet50, 300 of mobilenet_v2)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  app.add_flag(
      "--warm", settings.warm,
      "Run each layer several times in a row: its data then lies in caches as far as it fits, and what a layer "
      "gains by that it loses to memory in a network");
  app.add_flag("--winograd,!--no-winograd", settings.winograd, "Winograd's algorithm where it is chosen (default)");
  app.add_flag("--strassen,!--no-strassen", settings.strassen, "Strassen's algorithm where it is chosen (default)");
  app.add_flag("--json", settings.json, "Print JSON");
  CLI11_PARSE(app, argc, argv);

  Network network = prepare(settings);
  const double peak = bench::measured_peak(settings.isa(), settings.threads);
  const std::vector<double> totals = time_network(network, settings);
  (settings.json ? print_json : print_table)(settings, rows_of(network), totals, peak);
  return 0;
}

}  // namespace
}  // namespace wherry::kernels

int main(int argc, char** argv) {
  try {
    return wherry::kernels::run(argc, argv);
  } catch (const wherry::Error& error) {
    fmt::print(stderr, "convolution_bench: {}\n", error.what());
    return 2;
  }
}
