// Elementwise programs as models use them, over tensors in L1, L2 and memory, and over the narrow tiles of an epilogue.

#include <vector>

#include "kernels/elementwise/bench_report.h"
#include "kernels/elementwise/tile_kernels.h"
#include "kernels/tile.h"

namespace wherry::kernels {
namespace {

struct Case {
  const char* name;
  const char* program;
};

constexpr Case kCases[] = {
    {"copy", "f32 (x0) { }"},
    {"relu", "f32 (x0) { x1 = relu x0 }"},
    {"add", "f32 (x0, x1) { x2 = add x0 x1 }"},
    {"add_relu", "f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }"},
    {"scale_shift", "f32 (x0) { x1 = constant 3; x2 = mul x0 x1; x3 = constant 2; x4 = add x2 x3 }"},
    {"hardswish",
     "f32 (x0) { x1 = constant 3; x2 = add x0 x1; x3 = constant 0; x4 = max x2 x3; x5 = constant 6; x6 = min x4 x5; "
     "x7 = mul x0 x6; x8 = div x7 x5 }"},
    {"sigmoid", "f32 (x0) { x1 = sigmoid x0 }"},
    {"silu", "f32 (x0) { x1 = sigmoid x0; x2 = mul x0 x1 }"},
    {"tanh", "f32 (x0) { x1 = tanh x0 }"},
    {"exp", "f32 (x0) { x1 = exp x0 }"},
    {"log", "f32 (x0) { x1 = log x0 }"},
    {"erf", "f32 (x0) { x1 = erf x0 }"},
    {"gelu", "f32 (x0) { x1 = gelu x0 }"},
    {"gelu_tanh", "f32 (x0) { x1 = gelu_tanh x0 }"},
    {"gelu written out",
     "f32 (x0) { x1 = constant 0.7071067811865476; x2 = mul x0 x1; x3 = erf x2; x4 = constant 1; x5 = add x3 x4; "
     "x6 = constant 0.5; x7 = mul x0 x6; x8 = mul x7 x5 }"},
};

/// Blocks of bf16 products' sums on their way out.
void run_blocks(base::Isa isa) {
  for (const Case& it : kCases) {
    const auto program = expression::Program::parse(it.program);
    if (program.inputs != 1) continue;
    const DType dtype = DType::f32;
    const auto tile = make_tile_program(program, &dtype, DType::bf16, isa);
    bench::Floats x(32 * 32, 0.7f), y(32 * 3072 / 2);
    const TileOperand operand{x.data(), 32, 1};
    bench::report(fmt::format("{:<12} {:<8} block 32 x 32 to bf16", it.name, base::name_of(isa)), 6 * 32 * 32,
                  [&] { tile->run(&operand, {y.data(), 3072, 1}, 32, 32); });
  }
}

void run_cases(base::Isa isa) {
  run_blocks(isa);
  for (const Case& it : kCases) {
    const auto program = expression::Program::parse(it.program);
    const std::vector<DType> dtypes(static_cast<std::size_t>(program.inputs), DType::f32);
    const auto tile = make_tile_program(program, dtypes.data(), DType::f32, isa);
    struct Size {
      const char* name;
      std::int64_t rows, columns;
    };
    // The last two are tiles with a bias-like second operand.
    for (const Size& size :
         {Size{"L1, 4096", 1, 4096}, Size{"L2, 128 Ki", 1, 128 << 10}, Size{"memory, 8 Mi", 1, 8 << 20},
          Size{"tile 14 x 32 of 256", 14, 32}, Size{"tile 56 x 24 of 256", 56, 24}}) {
      const bool narrow = size.rows > 1;
      const std::int64_t stride = narrow ? 256 : size.columns;
      bench::Floats x(size.rows * stride, 0.7f), b(size.rows * stride), y(size.rows * stride);
      const TileOperand operands[] = {{x.data(), stride, 1}, {b.data(), narrow ? 0 : stride, 1}};
      const std::int64_t tensors = narrow ? 2 : program.inputs + 1;
      bench::report(fmt::format("{:<12} {:<8} {}", it.name, base::name_of(isa), size.name),
                    4 * tensors * size.rows * size.columns,
                    [&] { tile->run(operands, {y.data(), stride, 1}, size.rows, size.columns); });
    }
  }
}

}  // namespace
}  // namespace wherry::kernels

int main() {
#define WHERRY_TILE_KERNELS(set, table) \
  if (wherry::base::runs_here(wherry::base::Isa::set)) wherry::kernels::run_cases(wherry::base::Isa::set);
#include "kernels/elementwise/kernels.inc"
#undef WHERRY_TILE_KERNELS
}
