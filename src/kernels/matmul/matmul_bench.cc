// Every matmul tile alone on data in L1, then whole products: classifiers at batch 1 (weights from memory), transformer
// layers, attention. Those that Strassen's algorithm is preferred for are multiplied plainly too.
//   matmul_bench [threads] [isa] [part of a product's name]

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/aligned_buffer.h"
#include "base/cores.h"
#include "kernels/matmul/bench_team.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

void bench_tile(base::Isa isa, int vectors, bool strided, double peak) {
  const TileKernels& kernels = tile_kernels(isa);
  const TileRow& tiles = kernels.widths[vectors].rows(strided);
  const std::int64_t depth = 128, width = static_cast<std::int64_t>(vectors) * kernels.lanes;
  base::AlignedBuffer a(kMaxTileRows * depth * sizeof(float)), b(depth * width * sizeof(float)),
      c(kMaxTileRows * width * sizeof(float));
  std::memset(a.data(), 0, a.size());
  std::memset(b.data(), 0, b.size());
  for (int rows = 1; rows <= tiles.max_rows; ++rows) {
    const float* table[kMaxTileRows];
    for (int r = 0; r < rows; ++r) table[r] = reinterpret_cast<const float*>(a.data()) + r * depth;
    TileTask task{};
    task.rows = table;
    task.a = table[0];
    task.a_stride = depth;
    task.taps = 1;
    task.depth = depth;
    task.depth_stride = 1;
    task.b = reinterpret_cast<const float*>(b.data());
    task.prefetch = task.b;
    task.c = reinterpret_cast<float*>(c.data());
    task.c_stride = width;
    task.columns = width;
    double best = 1e9;
    for (int repeat = 0; repeat < 20; ++repeat) {
      const double start = bench::now();
      for (int i = 0; i < 200; ++i) tiles.kernels[rows](task);
      best = std::min(best, (bench::now() - start) / 200);
    }
    const double rate = 2.0 * static_cast<double>(rows * width * depth) / best;
    fmt::print("{} tile {:>2}x{:<3} {:<7} {:7.1f} GFLOP/s {:5.1f} %\n", strided ? "strided  " : "gathering", rows,
               width, base::name_of(isa), rate * 1e-9, peak > 0 ? rate / peak * 100 : 0.0);
  }
}

struct Case {
  const char* what;
  MatmulShape shape;
};

MatmulShape product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  MatmulShape shape;
  shape.rows = rows, shape.depth = depth, shape.columns = columns;
  shape.a_row_stride = depth, shape.c_row_stride = columns;
  return shape;
}

/// `heads` products over [tokens, heads · size] projections; either scores (B transposed) or the weighted sum.
MatmulShape attention(std::int64_t tokens, std::int64_t heads, std::int64_t size, bool scores) {
  MatmulShape shape = scores ? product(tokens, size, tokens) : product(tokens, tokens, size);
  const std::int64_t width = heads * size;
  shape.packed_b = false;
  shape.batch[3] = heads;
  shape.a_row_stride = scores ? width : tokens;
  shape.a_batch_strides[3] = scores ? size : tokens * tokens;
  shape.b_depth_stride = scores ? 1 : width;
  shape.b_column_stride = scores ? width : 1;
  shape.b_batch_strides[3] = size;
  shape.c_row_stride = scores ? tokens : width;
  shape.c_batch_strides[3] = scores ? tokens * tokens : size;
  return shape;
}

void bench_product(const char* what, const MatmulShape& shape, base::Isa isa, int threads, double peak) {
  const std::int64_t batch = shape.batch[3];
  const auto matmul = make_matmul(shape, isa, threads);
  // Generous: strided attention operands fit too.
  base::AlignedBuffer a(sizeof(float) * batch * shape.rows * shape.depth),
      b(shape.packed_b ? packed_bytes({shape.depth, shape.columns, DType::f32, false, shape.strassen}, isa)
                       : sizeof(float) * batch * shape.depth * shape.columns),
      c(sizeof(float) * batch * shape.rows * shape.columns);
  for (base::AlignedBuffer* buffer : {&a, &b, &c}) std::memset(buffer->data(), 0, buffer->size());
  std::vector<base::AlignedBuffer> scratch;
  for (int t = 0; t < threads; ++t) scratch.emplace_back(matmul->scratch_bytes());
  MatmulArguments arguments;
  arguments.a = reinterpret_cast<const float*>(a.data());
  arguments.b = b.data();
  arguments.c = c.data();
  bench::Barrier barrier(threads);
  double best = 1e9;
  bench::run_team(threads, [&](int t) {
    const double begin = bench::now();
    for (int repeat = 0; repeat < 100 && (threads > 1 || bench::now() - begin < 1); ++repeat) {
      barrier.wait();
      const double start = bench::now();
      const std::int64_t items = matmul->items();
      matmul->run(arguments, items * t / threads, items * (t + 1) / threads, scratch[t].data());
      barrier.wait();
      if (t == 0) best = std::min(best, bench::now() - start);
    }
  });
  const double operations = 2.0 * static_cast<double>(batch * shape.rows * shape.depth * shape.columns);
  fmt::print("{:<27} {:>4}x{:<5}x{:<5} {:<28} {:>4} items {:9.1f} us {:7.1f} GFLOP/s {:5.1f} %, B at {:5.1f} GB/s\n",
             what, shape.rows, shape.depth, shape.columns, matmul->name(), matmul->items(), best * 1e6,
             operations / best * 1e-9, peak > 0 ? operations / best / peak * 100 : 0.0,
             static_cast<double>(b.size()) / best * 1e-9);
}

int run(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : base::usable_cores();
  base::Isa isa = base::selected_isa();
  for (const base::Isa candidate : base::kIsas)
    if (argc > 2 && base::name_of(candidate) == argv[2]) isa = candidate;
  const double one = bench::measured_peak(isa, 1), peak = bench::measured_peak(isa, threads);
  const std::string wanted = argc > 3 ? argv[3] : "";
  for (int vectors = 1; wanted.empty() && vectors <= tile_kernels(isa).max_vectors; ++vectors)
    for (const bool strided : {false, true}) bench_tile(isa, vectors, strided, one);

  const Case cases[] = {
      {"ResNet-50 fc, batch 1", product(1, 2048, 1000)},       {"VGG-16 fc1, batch 1", product(1, 25088, 4096)},
      {"VGG-16 fc1, batch 4", product(4, 25088, 4096)},        {"BERT projection", product(128, 768, 768)},
      {"BERT queries, keys, values", product(128, 768, 2304)}, {"BERT feed-forward", product(128, 768, 3072)},
      {"BERT feed-forward, second", product(128, 3072, 768)},  {"ResNet-50 14x14", product(196, 1024, 256)},
      {"ViT-B feed-forward", product(197, 3072, 768)},         {"ViT-B scores", attention(197, 12, 64, true)},
      {"ViT-B weighted sum", attention(197, 12, 64, false)},   {"square", product(1536, 1536, 1536)},
  };
  for (const Case& one_case : cases) {
    if (std::string_view(one_case.what).find(wanted) == std::string_view::npos) continue;
    MatmulShape shape = one_case.shape;
    bench_product(one_case.what, shape, isa, threads, peak);
    shape.strassen = true;
    if (shape.packed_b && prefers_strassen(isa, shape.rows, shape.depth, shape.columns))
      bench_product(one_case.what, shape, isa, threads, peak);
  }
  return 0;
}

}  // namespace
}  // namespace wherry::kernels

int main(int argc, char** argv) { return wherry::kernels::run(argc, argv); }
