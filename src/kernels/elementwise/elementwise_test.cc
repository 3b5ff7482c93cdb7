// Elementwise programs: every opcode against `evaluate` and, for the approximated ones, against fp80; every dtype,
// strides, tails, packing of narrow tiles, use in place.

#include "kernels/elementwise/elementwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "kernels/elementwise/test_data.h"
#include "kernels/elementwise/tile_kernels.h"
#include "kernels/isa_name.h"
#include "kernels/tile.h"
#include "tensor/elements.h"

namespace wherry::kernels {
namespace {

using base::Isa;
using expression::Compute;
using expression::Opcode;
using expression::Program;
using test::Guarded;

std::vector<Isa> tested_isas() {
  std::vector<Isa> isas;
#define WHERRY_TILE_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/elementwise/kernels.inc"
#undef WHERRY_TILE_KERNELS
  return isas;
}

class Tile : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Tile, testing::ValuesIn(tested_isas()), isa_name);

Program one_opcode(Opcode opcode, Compute compute = Compute::f32) {
  Program program;
  program.compute = compute;
  program.inputs = info(opcode).arity;
  program.code = {{opcode, 0, 1, 2, 0}};
  return program;
}

std::vector<Opcode> opcodes(int arity) {
  std::vector<Opcode> all;
  for (int i = 0; i < kOpcodes; ++i)
    if (info(static_cast<Opcode>(i)).arity == arity && static_cast<Opcode>(i) != Opcode::constant)
      all.push_back(static_cast<Opcode>(i));
  return all;
}

bool is_bitwise(Opcode opcode) {
  return opcode == Opcode::bit_and || opcode == Opcode::bit_or || opcode == Opcode::bit_xor;
}

/// Units in the last place by which a vector loop may differ from `evaluate`; 0 is exact.
double tolerance(Opcode opcode) {
  switch (opcode) {
    case Opcode::exp:
    case Opcode::exp2: return 2;
    case Opcode::expm1:
    case Opcode::log:
    case Opcode::log2:
    case Opcode::log1p: return 3;
    case Opcode::tanh:
    case Opcode::sigmoid: return 4;
    case Opcode::erf: return 7;
    case Opcode::gelu:
    case Opcode::gelu_tanh: return 4;
    default: return 0;
  }
}

/// 1 + erf and 1 + tanh cancel where they are small.
double absolute_tolerance(Opcode opcode) { return opcode == Opcode::gelu || opcode == Opcode::gelu_tanh ? 1e-6 : 0; }

void run_flat(const Program& program, Isa isa, const std::vector<const float*>& operands, float* y, std::int64_t n) {
  const std::vector<DType> dtypes(static_cast<std::size_t>(program.inputs), DType::f32);
  const auto tile = make_tile_program(program, dtypes.data(), DType::f32, isa);
  std::vector<TileOperand> tiles;
  for (const float* operand : operands) tiles.push_back({operand, n, 1});
  tile->run(tiles.data(), {y, n, 1}, 1, n);
}

TEST_P(Tile, UnaryOpcodesMeanWhatEvaluateMeans) {
  const auto x = test::awkward_values();
  const auto n = static_cast<std::int64_t>(x.size());
  for (const Opcode opcode : opcodes(1)) {
    const Program program = one_opcode(opcode);
    Guarded<float> y(n);
    run_flat(program, GetParam(), {x.data()}, y.data(), n);
    for (std::int64_t i = 0; i < n; ++i) {
      const double operand = x[static_cast<std::size_t>(i)];
      const double expected = evaluate(program, std::vector{operand});
      if (std::fabs(y[i] - expected) <= absolute_tolerance(opcode)) continue;
      EXPECT_LE(test::ulps(y[i], expected), tolerance(opcode)) << info(opcode).name << "(" << operand << ") = " << y[i];
    }
    EXPECT_TRUE(y.intact());
  }
}

TEST_P(Tile, BinaryAndTernaryOpcodesMeanWhatEvaluateMeans) {
  const auto values = test::awkward_values();
  std::vector<float> a, b, c;
  for (const float x : values)
    for (const float y : values) {
      a.push_back(x);
      b.push_back(y);
      c.push_back(x + y);
    }
  const auto n = static_cast<std::int64_t>(a.size());
  for (const int arity : {2, 3})
    for (const Opcode opcode : opcodes(arity)) {
      if (is_bitwise(opcode)) continue;
      const Program program = one_opcode(opcode);
      Guarded<float> y(n);
      run_flat(program, GetParam(), {a.data(), b.data(), c.data()}, y.data(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        std::vector<double> operands = {a[at], b[at], c[at]};
        operands.resize(static_cast<std::size_t>(arity));
        EXPECT_EQ(test::ulps(y[i], evaluate(program, operands)), 0)
            << info(opcode).name << "(" << a[at] << ", " << b[at] << ") = " << y[i];
      }
      EXPECT_TRUE(y.intact());
    }
}

TEST_P(Tile, ElementaryFunctionsKeepTheirErrorBounds) {
  using Function = long double (*)(long double);
  struct Case {
    Opcode opcode;
    Function exact;
    double ulps;
    double absolute;  // where not 0, enough by itself
  };
  const Case cases[] = {
      {Opcode::exp, [](long double x) { return std::exp(x); }, 1.5, 0},
      {Opcode::exp2, [](long double x) { return std::exp2(x); }, 1.5, 0},
      {Opcode::expm1, [](long double x) { return std::expm1(x); }, 2.5, 0},
      {Opcode::log, [](long double x) { return std::log(x); }, 2.5, 0},
      {Opcode::log2, [](long double x) { return std::log2(x); }, 2.5, 0},
      {Opcode::log1p, [](long double x) { return std::log1p(x); }, 2.5, 0},
      {Opcode::tanh, [](long double x) { return std::tanh(x); }, 3, 0},
      // Below −88.7 the fp32 formula's e⁻ˣ overflows and gives 0 for a denormal.
      {Opcode::sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, 3, 1.2e-38},
      {Opcode::erf, [](long double x) { return std::erf(x); }, 6, 4e-7},
  };
  std::vector<float> x;
  for (std::uint32_t bits = 0; bits < 0x7f800000u; bits += 16411) {
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-x.back());
  }
  for (float dense = -20; dense < 20; dense += 0.00037f) x.push_back(dense);
  const auto n = static_cast<std::int64_t>(x.size());
  for (const Case& it : cases) {
    Guarded<float> y(n);
    run_flat(one_opcode(it.opcode), GetParam(), {x.data()}, y.data(), n);
    double worst = 0;
    float worst_at = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const long double expected = it.exact(x[static_cast<std::size_t>(i)]);
      if (std::fabs(static_cast<long double>(y[i]) - expected) <= it.absolute && it.ulps < 5) continue;
      const double error = test::ulps(y[i], expected);
      if (error > worst) worst = error, worst_at = x[static_cast<std::size_t>(i)];
      if (it.absolute > 1e-30) {
        EXPECT_LE(std::fabs(static_cast<long double>(y[i]) - expected), it.absolute);
      }
    }
    RecordProperty(std::string(info(it.opcode).name), std::to_string(worst));
    EXPECT_LE(worst, it.ulps) << info(it.opcode).name << " at " << worst_at;
  }
}

TEST_P(Tile, WholeAndDoubleArithmeticMeansWhatEvaluateMeans) {
  const std::vector<std::int64_t> values = {0,  1,   -1,    2,       -2,        3,         -3,           7, -8, 63,
                                            64, 100, -1000, 1 << 20, INT64_MAX, INT64_MIN, INT64_MIN + 1};
  for (const Compute compute : {Compute::i64, Compute::f64})
    for (int k = 1; k < kOpcodes; ++k) {
      const auto opcode = static_cast<Opcode>(k);
      const Program program = one_opcode(opcode, compute);
      const bool whole = compute == Compute::i64;
      if (whole ? (opcode >= Opcode::exp && opcode < Opcode::floor) || opcode == Opcode::sigmoid ||
                      opcode == Opcode::atan2
                : is_bitwise(opcode))
        continue;
      const DType dtype = whole ? DType::i64 : DType::f64;
      const std::vector<DType> dtypes(3, dtype);
      const auto tile = make_tile_program(program, dtypes.data(), dtype, GetParam());
      for (const std::int64_t a : values)
        for (const std::int64_t b : values) {
          if (whole) {
            const std::int64_t operands[] = {a, b, a < std::numeric_limits<std::int64_t>::min() + 5 ? 0 : a};
            std::int64_t y = 0;
            const TileOperand tiles[] = {{operands, 1, 1}, {operands + 1, 1, 1}, {operands + 2, 1, 1}};
            tile->run(tiles, {&y, 1, 1}, 1, 1);
            EXPECT_EQ(y, evaluate(program, std::span(operands, static_cast<std::size_t>(program.inputs))))
                << info(opcode).name << " " << a << " " << b;
          } else {
            const double operands[] = {static_cast<double>(a) / 3, static_cast<double>(b), 1};
            double y = 0;
            const TileOperand tiles[] = {{operands, 1, 1}, {operands + 1, 1, 1}, {operands + 2, 1, 1}};
            tile->run(tiles, {&y, 1, 1}, 1, 1);
            const double expected = evaluate(program, std::span(operands, static_cast<std::size_t>(program.inputs)));
            EXPECT_TRUE(y == expected || (std::isnan(y) && std::isnan(expected))) << info(opcode).name;
          }
        }
    }
}

/// A tensor of any dtype with values that every dtype holds.
struct Data {
  DType dtype;
  Guarded<char> bytes;

  Data(DType type, std::int64_t elements) : dtype(type), bytes(elements * static_cast<std::int64_t>(size_of(type))) {}
  void randomise(std::mt19937& random) {
    const auto elements = bytes.size() / static_cast<std::int64_t>(size_of(dtype));
    std::uniform_int_distribution<int> whole(dtype == DType::u8 ? 0 : -100, 100);
    for (std::int64_t i = 0; i < elements; ++i)
      tensor::store_double(bytes.data(), dtype, i, is_floating(dtype) ? whole(random) / 16.0 : whole(random));
  }
};

constexpr DType kAllDTypes[] = {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i64,
                                DType::i32, DType::i16, DType::i8,  DType::u8,   DType::boolean};

TEST_P(Tile, ConvertsEveryDTypeToEveryDType) {
  std::mt19937 random(1);
  for (const DType from : kAllDTypes)
    for (const DType to : kAllDTypes)
      for (const Compute compute : {Compute::f32, Compute::f64, Compute::i64})
        for (const std::int64_t stride : {1, 2}) {
          if (compute == Compute::i64 && is_floating(from)) continue;
          constexpr std::int64_t kRows = 3, kColumns = 77;
          Program identity;
          identity.compute = compute;
          Data x(from, kRows * kColumns * stride), y(to, kRows * kColumns * stride);
          x.randomise(random);
          const auto tile = make_tile_program(identity, &from, to, GetParam());
          const TileOperand operand{x.bytes.data(), kColumns * stride, stride};
          tile->run(&operand, {y.bytes.data(), kColumns * stride, stride}, kRows, kColumns);
          for (std::int64_t i = 0; i < kRows * kColumns; ++i) {
            Data expected(to, 1);
            tensor::store_double(expected.bytes.data(), to, 0, tensor::load_double(x.bytes.data(), from, i * stride));
            ASSERT_EQ(tensor::load_double(y.bytes.data(), to, i * stride),
                      tensor::load_double(expected.bytes.data(), to, 0))
                << name_of(from) << " to " << name_of(to) << " at " << i;
            if (stride == 2) {
              ASSERT_TRUE(y.bytes.untouched((2 * i + 1) * static_cast<std::int64_t>(size_of(to))));
            }
          }
          EXPECT_TRUE(y.bytes.intact());
        }
}

TEST_P(Tile, HalvesRoundAsTheScalarConversionDoes) {
  std::vector<float> x = test::awkward_values();
  std::mt19937 random(2);
  for (int i = 0; i < 5000; ++i) x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
  const auto n = static_cast<std::int64_t>(x.size());
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const DType f32 = DType::f32;
    Guarded<std::uint16_t> y(n);
    const TileOperand operand{x.data(), n, 1};
    make_tile_program(Program{}, &f32, dtype, GetParam())->run(&operand, {y.data(), n, 1}, 1, n);
    for (std::int64_t i = 0; i < n; ++i) {
      const float value = x[static_cast<std::size_t>(i)];
      const std::uint16_t expected = dtype == DType::f16 ? tensor::float_to_f16(value) : tensor::float_to_bf16(value);
      if (std::isnan(value))
        ASSERT_TRUE(std::isnan(tensor::load_double(y.data(), dtype, i)));
      else if (base::includes(GetParam(), base::Isa::avx512_bf16) && dtype == DType::bf16 &&
               std::fabs(value) < 1.17549435e-38f)
        ASSERT_EQ(y[i] & 0x7fff, 0) << value;  // denormal
      else
        ASSERT_EQ(y[i], expected) << value;
    }
    // And back.
    Guarded<float> z(n);
    const TileOperand half{y.data(), n, 1};
    make_tile_program(Program{}, &dtype, DType::f32, GetParam())->run(&half, {z.data(), n, 1}, 1, n);
    for (std::int64_t i = 0; i < n; ++i) {
      const double expected = tensor::load_double(y.data(), dtype, i);
      ASSERT_TRUE(z[i] == expected || (std::isnan(expected) && std::isnan(z[i])));
    }
  }
}

/// Straight-line programs out of exact opcodes, so that any difference is a mistake in registers, strides or tails.
Program random_program(std::mt19937& random, int inputs, int length) {
  constexpr Opcode kExact[] = {Opcode::add,  Opcode::sub,   Opcode::mul,      Opcode::min,   Opcode::max,
                               Opcode::lt,   Opcode::ge,    Opcode::neg,      Opcode::abs,   Opcode::relu,
                               Opcode::sqrt, Opcode::where, Opcode::constant, Opcode::floor, Opcode::logical_or};
  Program program;
  program.inputs = inputs;
  for (int i = 0; i < length; ++i) {
    expression::Instruction it{kExact[random() % std::size(kExact)], 0, 0, 0, 0};
    if (program.registers() == 0) it.opcode = Opcode::constant;
    if (it.opcode == Opcode::constant) it.immediate = static_cast<double>(random() % 64) / 8 - 4;
    const auto reg = [&] { return static_cast<std::uint8_t>(random() % static_cast<unsigned>(program.registers())); };
    if (it.opcode != Opcode::constant) it.a = reg(), it.b = reg(), it.c = reg();
    program.code.push_back(it);
  }
  return program;
}

TEST_P(Tile, RandomProgramsOverRandomTiles) {
  std::mt19937 random(static_cast<std::uint32_t>(3));
  for (int round = 0; round < 400; ++round) {
    const int inputs = static_cast<int>(random() % 5);
    const int length = round % 50 == 0 ? 250 - inputs : static_cast<int>(random() % 12) + (inputs == 0);
    const Program program = random_program(random, inputs, length);
    const auto rows = static_cast<std::int64_t>(random() % 9 + 1);
    const auto columns = static_cast<std::int64_t>(random() % 4 == 0 ? random() % 1500 + 1 : random() % 70 + 1);
    const DType y_dtype = random() % 3 ? DType::f32 : kAllDTypes[random() % std::size(kAllDTypes)];
    std::vector<Data> x;
    std::vector<DType> dtypes;
    std::vector<TileOperand> tiles;
    for (int i = 0; i < inputs; ++i) {
      dtypes.push_back(random() % 3 ? DType::f32 : kAllDTypes[random() % std::size(kAllDTypes)]);
      TileOperand tile{nullptr, 0, 0};
      switch (random() % 6) {
        case 0: break;
        case 1: tile.column_stride = 1; break;
        case 2: tile.row_stride = 1; break;
        case 3: tile = {nullptr, columns, 1}; break;
        case 4: tile = {nullptr, columns + 3, 1}; break;
        default: tile = {nullptr, 1, rows}; break;
      }
      x.emplace_back(dtypes.back(), (rows - 1) * tile.row_stride + (columns - 1) * tile.column_stride + 1);
      x.back().randomise(random);
      tiles.push_back(tile);
    }
    for (int i = 0; i < inputs; ++i)
      tiles[static_cast<std::size_t>(i)].data = x[static_cast<std::size_t>(i)].bytes.data();
    const std::int64_t layout = random() % 3;
    const std::int64_t row_stride = layout == 0 ? columns : layout == 1 ? columns + 5 : 1;
    const std::int64_t column_stride = layout == 2 ? rows : 1;
    Data y(y_dtype, (rows - 1) * row_stride + (columns - 1) * column_stride + 1);
    make_tile_program(program, dtypes.data(), y_dtype, GetParam())
        ->run(tiles.data(), {y.bytes.data(), row_stride, column_stride}, rows, columns);
    EXPECT_TRUE(y.bytes.intact());
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) {
        std::vector<double> operands;
        for (std::size_t k = 0; k < x.size(); ++k)
          operands.push_back(
              tensor::load_double(x[k].bytes.data(), x[k].dtype, i * tiles[k].row_stride + j * tiles[k].column_stride));
        Data expected(y_dtype, 1);
        tensor::store_double(expected.bytes.data(), y_dtype, 0, evaluate(program, operands));
        const double want = tensor::load_double(expected.bytes.data(), y_dtype, 0);
        const double got = tensor::load_double(y.bytes.data(), y_dtype, i * row_stride + j * column_stride);
        ASSERT_TRUE(want == got || (std::isnan(want) && std::isnan(got)))
            << program.to_string() << "\nrow " << i << " column " << j << " of " << rows << " x " << columns << ": "
            << got << ", expected " << want;
      }
  }
}

TEST_P(Tile, WritesInPlace) {
  const Program program = Program::parse("f32 (x0, x1) { x2 = mul x0 x1; x3 = sub x0 x2; x4 = add x3 x1 }");
  const DType dtypes[] = {DType::f32, DType::f32};
  const auto tile = make_tile_program(program, dtypes, DType::f32, GetParam());
  for (const std::int64_t columns : {1, 5, 16, 31, 127, 128, 700, 1025}) {
    constexpr std::int64_t kRows = 7;
    const std::int64_t stride = columns + 2;
    const auto x = test::normal_values(kRows * stride, 4);
    const auto bias = test::normal_values(columns, 5);
    Guarded<float> y(kRows * stride);
    std::copy(x.begin(), x.end(), y.data());
    const TileOperand operands[] = {{y.data(), stride, 1}, {bias.data(), 0, 1}};
    tile->run(operands, {y.data(), stride, 1}, kRows, columns);
    for (std::int64_t i = 0; i < kRows; ++i)
      for (std::int64_t j = 0; j < stride; ++j) {
        const float a = x[static_cast<std::size_t>(i * stride + j)];
        const float b = j < columns ? bias[static_cast<std::size_t>(j)] : 0;
        ASSERT_EQ(y[i * stride + j], j < columns ? a - a * b + b : a);
      }
    EXPECT_TRUE(y.intact());
  }
}

TEST_P(Tile, ConstantPowersAreThePowers) {
  std::vector<float> x;
  for (float value = 0.01f; value < 50; value *= 1.01f) x.push_back(value);
  const auto n = static_cast<std::int64_t>(x.size());
  for (const double exponent : {2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 1.7}) {
    expression::Builder builder(Compute::f32, 1);
    const Program program = builder.finish(builder.emit(Opcode::pow, builder.input(0), builder.constant(exponent)));
    Guarded<float> y(n);
    run_flat(program, GetParam(), {x.data()}, y.data(), n);
    for (std::int64_t i = 0; i < n; ++i)
      EXPECT_LE(test::ulps(y[i], std::pow(static_cast<long double>(x[static_cast<std::size_t>(i)]),
                                          static_cast<long double>(static_cast<float>(exponent)))),
                1.6);
  }
}

TEST_P(Tile, Gelu) {
  // In one instruction, and written out.
  const auto exact = [](long double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0L))); };
  const auto with_tanh = [](long double x) {
    return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x)));
  };
  struct Case {
    const char* program;
    long double (*value)(long double);
  };
  const Case cases[] = {
      {"f32 (x0) { x1 = gelu x0 }", exact},
      {"f32 (x0) { x1 = gelu_tanh x0 }", with_tanh},
      {"f32 (x0) { x1 = constant 0.7071067811865476; x2 = mul x0 x1; x3 = erf x2; x4 = constant 1; x5 = add x3 x4; "
       "x6 = constant 0.5; x7 = mul x0 x6; x8 = mul x7 x5 }",
       exact},
  };
  std::vector<float> x;
  for (float value = -12; value < 12; value += 0.0013f) x.push_back(value);
  for (const float value : test::awkward_values())
    if (std::isfinite(value)) x.push_back(value);
  const auto n = static_cast<std::int64_t>(x.size());
  for (const Case& it : cases) {
    Guarded<float> y(n);
    run_flat(Program::parse(it.program), GetParam(), {x.data()}, y.data(), n);
    for (std::int64_t i = 0; i < n; ++i) {
      const float value = x[static_cast<std::size_t>(i)];
      EXPECT_NEAR(y[i], static_cast<double>(it.value(value)), 1e-6 + 2e-7 * std::fabs(value)) << it.program << value;
    }
  }
}

TEST_P(Tile, WholeTensorsWithBroadcasting) {
  std::mt19937 random(11);
  const Program program = Program::parse("f32 (x0, x1, x2) { x3 = mul x0 x1; x4 = add x3 x2; x5 = relu x4 }");
  for (int round = 0; round < 150; ++round) {
    ElementwiseShape shape;
    const std::size_t rank = random() % 5;
    for (std::size_t d = 0; d < rank; ++d) shape.sizes.push_back(random() % (round % 10 ? 9 : 40) + 1);
    if (round == 7) shape.sizes = {3, 0, 2};
    if (round == 8) shape.sizes = {3, 20000};
    const auto layout = [&](bool broadcast) {
      std::vector<std::int64_t> strides(shape.sizes.size());
      std::vector<std::size_t> order(strides.size());
      for (std::size_t d = 0; d < order.size(); ++d) order[d] = d;
      if (random() % 3 == 0) std::shuffle(order.begin(), order.end(), random);
      std::int64_t stride = random() % 4 ? 1 : 2;
      for (std::size_t i = order.size(); i-- > 0;) {
        const bool repeat = broadcast && random() % 3 == 0;
        strides[order[i]] = repeat ? 0 : stride;
        if (!repeat) stride *= shape.sizes[order[i]];
      }
      return strides;
    };
    const auto extent = [&](const std::vector<std::int64_t>& strides) {
      std::int64_t last = 0;
      for (std::size_t d = 0; d < strides.size(); ++d) last += (shape.sizes[d] - 1) * strides[d];
      return std::max<std::int64_t>(last + 1, 0);
    };
    shape.destination_strides = layout(false);
    shape.destination_dtype = random() % 3 ? DType::f32 : DType::f16;
    std::vector<Data> x;
    std::vector<const void*> addresses;
    for (int k = 0; k < 3; ++k) {
      shape.operand_strides.push_back(layout(true));
      shape.operand_dtypes.push_back(random() % 3 ? DType::f32 : DType::u8);
      x.emplace_back(shape.operand_dtypes.back(), extent(shape.operand_strides.back()));
      x.back().randomise(random);
    }
    for (const Data& data : x) addresses.push_back(data.bytes.data());
    const std::int64_t size = extent(shape.destination_strides);
    Data expected(shape.destination_dtype, size), y(shape.destination_dtype, size);
    elementwise_reference(program, shape, addresses.data(), expected.bytes.data());
    const auto elementwise = make_elementwise(program, shape, GetParam());
    const std::int64_t middle = elementwise->items() / 2;
    elementwise->run(addresses.data(), y.bytes.data(), middle, elementwise->items());
    elementwise->run(addresses.data(), y.bytes.data(), 0, middle);
    EXPECT_TRUE(y.bytes.intact());
    EXPECT_TRUE(std::equal(expected.bytes.data(), expected.bytes.data() + expected.bytes.size(), y.bytes.data()))
        << "round " << round;
  }
}

TEST_P(Tile, TouchesNothingPastTheEnd) {
  const Program program = Program::parse("f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }");
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::u8})
    for (std::int64_t n = 1; n < 70; ++n) {
      const auto bytes = n * static_cast<std::int64_t>(size_of(dtype));
      test::PageEnd<std::uint8_t> x(bytes), y(bytes);
      test::PageEnd<float> bias(n);
      const DType dtypes[] = {dtype, DType::f32};
      const TileOperand operands[] = {{x.data(), n, 1}, {bias.data(), 0, 1}};
      make_tile_program(program, dtypes, dtype, GetParam())->run(operands, {y.data(), n, 1}, 1, n);
      const double one = tensor::load_double(x.data(), dtype, 0);
      Data expected(dtype, 1);
      tensor::store_double(expected.bytes.data(), dtype, 0, static_cast<float>(one) + 1);
      EXPECT_EQ(tensor::load_double(y.data(), dtype, n - 1), tensor::load_double(expected.bytes.data(), dtype, 0));
    }
}

}  // namespace
}  // namespace wherry::kernels
