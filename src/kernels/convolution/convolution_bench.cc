// Every convolution of ResNet-50 or MobileNetV2, in the network's order: so weights come from memory and activations
// from wherever the layer before left them, as in an inference.
//   convolution_bench [resnet50|mobilenet_v2] [threads] [isa] [batch] [runs]

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "base/aligned_buffer.h"
#include "base/cores.h"
#include "kernels/convolution/convolution.h"
#include "kernels/matmul/bench_team.h"

namespace wherry::kernels {
namespace {

struct Layer {
  ConvolutionShape shape;
  bool residual = false;
  bool clamp = true;
};

void add(std::vector<Layer>& layers, std::int64_t batch, std::int64_t size, std::int64_t in, std::int64_t out,
         std::int64_t kernel, std::int64_t stride, std::int64_t groups = 1, bool residual = false, bool clamp = true) {
  ConvolutionShape shape;
  shape.weights = {in, out, kernel, kernel, groups};
  shape.batch = batch;
  shape.in_h = shape.in_w = size;
  shape.stride_h = shape.stride_w = stride;
  shape.pad_top = shape.pad_bottom = shape.pad_left = shape.pad_right = kernel / 2;
  shape.set_dense_strides();
  layers.push_back({shape, residual, clamp});
}

std::vector<Layer> resnet50(std::int64_t batch) {
  std::vector<Layer> layers;
  add(layers, batch, 224, 3, 64, 7, 2);
  std::int64_t in = 64, size = 56;
  const int blocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage)
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::int64_t width = 64 << stage, stride = stage > 0 && block == 0 ? 2 : 1;
      add(layers, batch, size, in, width, 1, 1);
      add(layers, batch, size, width, width, 3, stride);
      if (block == 0) add(layers, batch, size, in, 4 * width, 1, stride, 1, false, false);
      size /= stride;
      add(layers, batch, size, width, 4 * width, 1, 1, 1, true);
      in = 4 * width;
    }
  return layers;
}

std::vector<Layer> mobilenet_v2(std::int64_t batch) {
  std::vector<Layer> layers;
  add(layers, batch, 224, 3, 32, 3, 2);
  std::int64_t in = 32, size = 112;
  const std::int64_t rows[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (const auto& [expand, out, repeat, first_stride] : rows)
    for (std::int64_t i = 0; i < repeat; ++i) {
      const std::int64_t stride = i == 0 ? first_stride : 1, hidden = in * expand;
      if (expand > 1) add(layers, batch, size, in, hidden, 1, 1);
      add(layers, batch, size, hidden, hidden, 3, stride, hidden);
      size /= stride;
      add(layers, batch, size, hidden, out, 1, 1, 1, i > 0, false);
      in = out;
    }
  add(layers, batch, size, 320, 1280, 1, 1);
  return layers;
}

struct Step {
  Layer layer;
  std::unique_ptr<const Convolution> kernel;
  base::AlignedBuffer weights;
  ConvolutionArguments arguments;
  double best = 1e9;
};

int run(int argc, char** argv) {
  const std::string network = argc > 1 ? argv[1] : "resnet50";
  const int threads = argc > 2 ? std::atoi(argv[2]) : base::usable_cores();
  base::Isa isa = base::selected_isa();
  for (const base::Isa candidate : base::kIsas)
    if (argc > 3 && base::name_of(candidate) == argv[3]) isa = candidate;
  const std::int64_t batch = argc > 4 ? std::atoi(argv[4]) : 1;

  std::vector<Layer> layers = network == "resnet50" ? resnet50(batch) : mobilenet_v2(batch);
  std::size_t most_activations = 0, most_scratch = 0;
  std::vector<Step> steps;
  for (Layer& layer : layers) {
    ConvolutionShape& shape = layer.shape;
    if (base::has_bf16(isa)) shape.weights.dtype = shape.y_dtype = DType::bf16;
    // As the runtime lays out bf16 images that a padded convolution of stride 1 reads.
    if (base::has_bf16(isa) && shape.pad_left > 0 && shape.stride_w == 1 && shape.weights.groups == 1) {
      shape.x_halo = true;
      shape.x_stride_h = (shape.in_w + shape.pad_left) * shape.x_stride_w;
      shape.x_stride_n = (shape.in_h + shape.pad_top) * shape.x_stride_h;
    }
    Step step{layer, make_convolution(shape, isa, threads), base::AlignedBuffer(packed_bytes(shape.weights, isa)), {}};
    std::memset(step.weights.data(), 0, step.weights.size());
    most_scratch = std::max(most_scratch, step.kernel->scratch_bytes());
    most_activations = std::max<std::size_t>(most_activations,
                                             sizeof(float) * batch *
                                                 std::max(shape.in_h * shape.in_w * shape.weights.in_channels,
                                                          shape.out_h() * shape.out_w() * shape.weights.out_channels));
    steps.push_back(std::move(step));
  }
  std::vector<base::AlignedBuffer> activations, scratch;
  for (int i = 0; i < 3; ++i) {
    activations.emplace_back(most_activations + most_activations / 4 + 65536);
    std::memset(activations.back().data(), 0, activations.back().size());
  }
  for (int t = 0; t < threads; ++t) scratch.emplace_back(most_scratch + 64);
  const std::vector<float> bias(4096, 0.1f);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    ConvolutionArguments& arguments = steps[i].arguments;
    const ConvolutionShape& shape = steps[i].layer.shape;
    arguments.x = activations[i % 3].data();
    if (shape.x_halo)
      arguments.x =
          activations[i % 3].data() + 2 * (shape.pad_top * shape.x_stride_h + shape.pad_left * shape.x_stride_w);
    arguments.epilogue.residual_dtype = shape.y_dtype;
    arguments.y = activations[(i + 1) % 3].data();
    arguments.weights = steps[i].weights.data();
    arguments.epilogue.bias = bias.data();
    if (steps[i].layer.residual) arguments.epilogue.residual = activations[(i + 2) % 3].data();
    arguments.epilogue.residual_row_stride = steps[i].layer.shape.weights.out_channels;
    if (steps[i].layer.clamp) arguments.epilogue.low = 0;
  }

  const double peak = bench::measured_peak(isa, threads);
  bench::Barrier barrier(threads);
  const int repeats = argc > 5 ? std::atoi(argv[5]) : network == "resnet50" ? 60 : 300;
  std::vector<double> totals;
  bench::run_team(threads, [&](int t) {
    for (int repeat = 0; repeat < repeats; ++repeat) {
      barrier.wait();
      const double begin = bench::now();
      double last = begin;
      for (Step& step : steps) {
        const std::int64_t items = step.kernel->items();
        step.kernel->run(step.arguments, items * t / threads, items * (t + 1) / threads, scratch[t].data());
        barrier.wait();
        if (t != 0) continue;
        const double time = bench::now();
        step.best = std::min(step.best, time - last);
        last = time;
      }
      if (t == 0) totals.push_back(last - begin);
    }
  });

  struct Row {
    int count = 0;
    double seconds = 0, operations = 0;
  };
  std::map<std::string, Row> rows;
  std::vector<std::string> order;
  double all_operations = 0, all_best = 0;
  for (const Step& step : steps) {
    const ConvolutionShape& s = step.layer.shape;
    const double operations =
        2.0 * static_cast<double>(s.batch * s.out_h() * s.out_w() * s.weights.out_channels *
                                  (s.weights.in_channels / s.weights.groups) * s.weights.kernel_h * s.weights.kernel_w);
    const std::string key = fmt::format("{:>3}x{:<3} {:>4} -> {:<4} {}x{} s{} {:<22}{:>5} items", s.in_h, s.in_w,
                                        s.weights.in_channels, s.weights.out_channels, s.weights.kernel_h,
                                        s.weights.kernel_w, s.stride_h, step.kernel->name(), step.kernel->items());
    if (rows[key].count++ == 0) order.push_back(key);
    rows[key].seconds += step.best;
    rows[key].operations += operations;
    all_operations += operations;
    all_best += step.best;
  }
  for (const std::string& key : order) {
    const Row& row = rows[key];
    fmt::print("{} x{} {:8.1f} us {:7.1f} GFLOP/s {:5.1f} %\n", key, row.count, row.seconds / row.count * 1e6,
               row.operations / row.seconds * 1e-9, peak > 0 ? row.operations / row.seconds / peak * 100 : 0.0);
  }
  std::sort(totals.begin(), totals.end());
  fmt::print(
      "{} batch {} {} {} threads: median {:.2f} ms, min {:.2f} ms, sum of layers' best {:.2f} ms; {:.1f} GFLOP/s of "
      "{:.1f} = {:.1f} %\n",
      network, batch, base::name_of(isa), threads, totals[totals.size() / 2] * 1e3, totals[0] * 1e3, all_best * 1e3,
      all_operations / totals[totals.size() / 2] * 1e-9, peak * 1e-9,
      peak > 0 ? all_operations / totals[totals.size() / 2] / peak * 100 : 0.0);
  return 0;
}

}  // namespace
}  // namespace wherry::kernels

int main(int argc, char** argv) { return wherry::kernels::run(argc, argv); }
