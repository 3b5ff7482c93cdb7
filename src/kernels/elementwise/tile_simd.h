// The loops of elementwise programs in fp32, for one instruction set: tile_<isa>.cc defines
// WHERRY_TILE_TABLE and includes this. Nothing here may have external linkage but that table, so there are neither
// standard-library templates nor shared inline functions.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/elementwise/tile_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/elementwise/math_simd.h"

using expression::Opcode;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

HWY_INLINE V truth(M mask) { return hn::IfThenElseZero(mask, hn::Set(D(), 1.0f)); }
/// Highway's Ne is false for a NaN.
HWY_INLINE M differ(V a, V b) { return hn::Not(hn::Eq(a, b)); }
HWY_INLINE M is_true(V x) { return differ(x, hn::Zero(D())); }

/// b where either is NaN: x86's min and max give their second operand then, so only a's NaN has to be put back.
HWY_INLINE V keep_nan(V a, V y) { return hn::IfThenElse(hn::IsNaN(a), a, y); }

// One element of arithmetic an opcode. Unused operands are `a` again.
#define WHERRY_OP(name, expression)            \
  struct name {                                \
    static HWY_INLINE V apply(V a, V b, V c) { \
      [[maybe_unused]] const D d;              \
      (void)a, (void)b, (void)c;               \
      return expression;                       \
    }                                          \
  };
WHERRY_OP(Copy, a)
WHERRY_OP(Add, hn::Add(a, b))
WHERRY_OP(Subtract, hn::Sub(a, b))
WHERRY_OP(Multiply, hn::Mul(a, b))
WHERRY_OP(Divide, hn::Div(a, b))
WHERRY_OP(FloorDivide, hn::Floor(hn::Div(a, b)))
WHERRY_OP(TruncateDivide, hn::Trunc(hn::Div(a, b)))
WHERRY_OP(Minimum, keep_nan(a, minimum(a, b)))
WHERRY_OP(Maximum, keep_nan(a, maximum(a, b)))
WHERRY_OP(Equal, truth(hn::Eq(a, b)))
WHERRY_OP(NotEqual, truth(differ(a, b)))
WHERRY_OP(Less, truth(hn::Lt(a, b)))
WHERRY_OP(LessEqual, truth(hn::Le(a, b)))
WHERRY_OP(Greater, truth(hn::Gt(a, b)))
WHERRY_OP(GreaterEqual, truth(hn::Ge(a, b)))
WHERRY_OP(LogicalAnd, truth(hn::And(is_true(a), is_true(b))))
WHERRY_OP(LogicalOr, truth(hn::Or(is_true(a), is_true(b))))
WHERRY_OP(LogicalXor, truth(hn::Xor(is_true(a), is_true(b))))
WHERRY_OP(LogicalNot, truth(hn::Eq(a, hn::Zero(d))))
WHERRY_OP(Negate, hn::Neg(a))
WHERRY_OP(Absolute, hn::Abs(a))
WHERRY_OP(Sign, hn::IfThenElse(hn::IsNaN(a), a, hn::Sub(truth(hn::Gt(a, hn::Zero(d))), truth(hn::Lt(a, hn::Zero(d))))))
WHERRY_OP(Exp, exp(d, a))
WHERRY_OP(Exp2, exp2(d, a))
WHERRY_OP(Expm1, expm1(d, a))
WHERRY_OP(Log, log(d, a))
WHERRY_OP(Log2, log2(d, a))
WHERRY_OP(Log1p, log1p(d, a))
WHERRY_OP(SquareRoot, hn::Sqrt(a))
WHERRY_OP(ReciprocalSquareRoot, hn::Div(hn::Set(d, 1.0f), hn::Sqrt(a)))
WHERRY_OP(Reciprocal, hn::Div(hn::Set(d, 1.0f), a))
WHERRY_OP(Square, hn::Mul(a, a))
WHERRY_OP(Tanh, tanh(d, a))
WHERRY_OP(Erf, erf(d, a))
WHERRY_OP(Gelu, gelu(d, a))
WHERRY_OP(GeluTanh, gelu_tanh(d, a))
WHERRY_OP(Sigmoid, sigmoid(d, a))
WHERRY_OP(Floor, hn::Floor(a))
WHERRY_OP(Ceil, hn::Ceil(a))
WHERRY_OP(Round, hn::Round(a))
WHERRY_OP(Truncate, hn::Trunc(a))
WHERRY_OP(IsNaN, truth(hn::IsNaN(a)))
WHERRY_OP(IsInf, truth(hn::Eq(hn::Abs(a), hn::Inf(d))))
WHERRY_OP(Relu, maximum(hn::Zero(d), a))
WHERRY_OP(Where, hn::IfThenElse(is_true(a), b, c))
#undef WHERRY_OP

template <class Op, int arity>
void apply_all(const TileArguments<float>& r) noexcept {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  // Locals, because a vector store may alias anything that is behind a reference.
  float* const y = r.y;
  const float *const a = r.a, *const b = r.b, *const c = r.c;
  const std::size_t a_mask = r.a_mask, b_mask = r.b_mask, c_mask = r.c_mask;
  const std::size_t n = static_cast<std::size_t>(r.n);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V va = hn::LoadU(d, a + (i & a_mask));
    const V vb = arity > 1 ? hn::LoadU(d, b + (i & b_mask)) : va;
    const V vc = arity > 2 ? hn::LoadU(d, c + (i & c_mask)) : va;
    hn::StoreU(Op::apply(va, vb, vc), d, y + i);
  }
  if (i == n) return;
  const M tail = hn::FirstN(d, n - i);
  const V va = masked_load(tail, d, a + (i & a_mask));
  const V vb = arity > 1 ? masked_load(tail, d, b + (i & b_mask)) : va;
  const V vc = arity > 2 ? masked_load(tail, d, c + (i & c_mask)) : va;
  masked_store(Op::apply(va, vb, vc), tail, d, y + i);
}

HWY_INLINE void copy_row(float* y, const float* x, std::int64_t n) {
  apply_all<Copy, 1>({y, x, x, x, ~std::size_t{0}, 0, 0, n});
}

void load_f32(float* y, const void* x, std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
              std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i, y += columns) {
    const float* row = static_cast<const float*>(x) + i * row_stride;
    if (column_stride == 1)
      copy_row(y, row, columns);
    else if (column_stride == 0)
      for (std::int64_t j = 0; j < columns; ++j) y[j] = row[0];
    else
      for (std::int64_t j = 0; j < columns; ++j) y[j] = row[j * column_stride];
  }
}

void store_f32(void* y, std::int64_t row_stride, std::int64_t column_stride, const float* x, std::int64_t rows,
               std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i, x += columns) {
    float* row = static_cast<float*>(y) + i * row_stride;
    if (column_stride == 1)
      copy_row(row, x, columns);
    else
      for (std::int64_t j = 0; j < columns; ++j) row[j * column_stride] = x[j];
  }
}

// The 16-bit floats travel as whole vectors; tails and strided rows take the scalar loops.
using D16 = hn::Rebind<std::uint16_t, D>;
using D32 = hn::RebindToUnsigned<D>;

struct Half {
  static constexpr DType dtype = DType::f16;
  static HWY_INLINE V load(const std::uint16_t* x) {
    const hn::Rebind<hwy::float16_t, D> dh;
    return hn::PromoteTo(D(), hn::BitCast(dh, hn::LoadU(D16(), x)));
  }
  static HWY_INLINE void store(V x, std::uint16_t* y) {
    const hn::Rebind<hwy::float16_t, D> dh;
    hn::StoreU(hn::BitCast(D16(), hn::DemoteTo(dh, x)), D16(), y);
  }
};

struct Brain {
  static constexpr DType dtype = DType::bf16;
  static HWY_INLINE V load(const std::uint16_t* x) {
    return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(D32(), hn::LoadU(D16(), x))));
  }
  /// Round to nearest even; a NaN keeps its upper bits and becomes quiet.
  static HWY_INLINE void store(V x, std::uint16_t* y) {
    const D32 d32;
    const auto bits = hn::BitCast(d32, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1u));
    const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7fffu)));
    const auto quiet = hn::Or(bits, hn::Set(d32, 0x400000u));
    const auto both = hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(x)), quiet, rounded);
    const hn::RebindToSigned<D> di;
    hn::StoreU(hn::DemoteTo(D16(), hn::BitCast(di, hn::ShiftRight<16>(both))), D16(), y);
  }
};

template <class Kind>
void load_16(float* y, const void* x, std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
             std::int64_t columns) noexcept {
  const TileLoad<float> scalar = kTileReference.load[static_cast<int>(Kind::dtype)];
  if (column_stride != 1) return scalar(y, x, row_stride, column_stride, rows, columns);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  for (std::int64_t i = 0; i < rows; ++i, y += columns) {
    const std::uint16_t* row = static_cast<const std::uint16_t*>(x) + i * row_stride;
    std::int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) hn::StoreU(Kind::load(row + j), D(), y + j);
    if (j < columns) scalar(y + j, row + j, 0, 1, 1, columns - j);
  }
}

template <class Kind>
void store_16(void* y, std::int64_t row_stride, std::int64_t column_stride, const float* x, std::int64_t rows,
              std::int64_t columns) noexcept {
  const TileStore<float> scalar = kTileReference.store[static_cast<int>(Kind::dtype)];
  if (column_stride != 1) return scalar(y, row_stride, column_stride, x, rows, columns);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  for (std::int64_t i = 0; i < rows; ++i, x += columns) {
    std::uint16_t* row = static_cast<std::uint16_t*>(y) + i * row_stride;
    std::int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) Kind::store(hn::LoadU(D(), x + j), row + j);
    if (j < columns) scalar(row + j, 0, 1, x + j, 1, columns - j);
  }
}

/// Integers: plain loops, which the compiler turns into vectors.
template <typename T, bool boolean>
void load_integer(float* y, const void* x, std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
                  std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i, y += columns) {
    const T* row = static_cast<const T*>(x) + i * row_stride;
    for (std::int64_t j = 0; j < columns; ++j) {
      const T value = row[j * column_stride];
      y[j] = boolean ? static_cast<float>(value != 0) : static_cast<float>(value);
    }
  }
}

void store_boolean(void* y, std::int64_t row_stride, std::int64_t column_stride, const float* x, std::int64_t rows,
                   std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i, x += columns) {
    std::uint8_t* row = static_cast<std::uint8_t*>(y) + i * row_stride;
    if (column_stride == 1)
      for (std::int64_t j = 0; j < columns; ++j) row[j] = x[j] != 0 ? 1 : 0;
    else
      for (std::int64_t j = 0; j < columns; ++j) row[j * column_stride] = x[j] != 0 ? 1 : 0;
  }
}

constexpr TileKernels<float> make_table() {
  TileKernels<float> table{};
  const auto set = [&](Opcode opcode, TileKernel<float> kernel) { table.opcodes[static_cast<int>(opcode)] = kernel; };
  set(Opcode::add, apply_all<Add, 2>);
  set(Opcode::sub, apply_all<Subtract, 2>);
  set(Opcode::mul, apply_all<Multiply, 2>);
  set(Opcode::div, apply_all<Divide, 2>);
  set(Opcode::floor_div, apply_all<FloorDivide, 2>);
  set(Opcode::trunc_div, apply_all<TruncateDivide, 2>);
  set(Opcode::min, apply_all<Minimum, 2>);
  set(Opcode::max, apply_all<Maximum, 2>);
  set(Opcode::eq, apply_all<Equal, 2>);
  set(Opcode::ne, apply_all<NotEqual, 2>);
  set(Opcode::lt, apply_all<Less, 2>);
  set(Opcode::le, apply_all<LessEqual, 2>);
  set(Opcode::gt, apply_all<Greater, 2>);
  set(Opcode::ge, apply_all<GreaterEqual, 2>);
  set(Opcode::logical_and, apply_all<LogicalAnd, 2>);
  set(Opcode::logical_or, apply_all<LogicalOr, 2>);
  set(Opcode::logical_xor, apply_all<LogicalXor, 2>);
  set(Opcode::neg, apply_all<Negate, 1>);
  set(Opcode::abs, apply_all<Absolute, 1>);
  set(Opcode::sign, apply_all<Sign, 1>);
  set(Opcode::exp, apply_all<Exp, 1>);
  set(Opcode::exp2, apply_all<Exp2, 1>);
  set(Opcode::expm1, apply_all<Expm1, 1>);
  set(Opcode::log, apply_all<Log, 1>);
  set(Opcode::log2, apply_all<Log2, 1>);
  set(Opcode::log1p, apply_all<Log1p, 1>);
  set(Opcode::sqrt, apply_all<SquareRoot, 1>);
  set(Opcode::rsqrt, apply_all<ReciprocalSquareRoot, 1>);
  set(Opcode::reciprocal, apply_all<Reciprocal, 1>);
  set(Opcode::square, apply_all<Square, 1>);
  set(Opcode::tanh, apply_all<Tanh, 1>);
  set(Opcode::erf, apply_all<Erf, 1>);
  set(Opcode::gelu, apply_all<Gelu, 1>);
  set(Opcode::gelu_tanh, apply_all<GeluTanh, 1>);
  set(Opcode::floor, apply_all<Floor, 1>);
  set(Opcode::ceil, apply_all<Ceil, 1>);
  set(Opcode::round, apply_all<Round, 1>);
  set(Opcode::trunc, apply_all<Truncate, 1>);
  set(Opcode::logical_not, apply_all<LogicalNot, 1>);
  set(Opcode::isnan, apply_all<IsNaN, 1>);
  set(Opcode::isinf, apply_all<IsInf, 1>);
  set(Opcode::sigmoid, apply_all<Sigmoid, 1>);
  set(Opcode::relu, apply_all<Relu, 1>);
  set(Opcode::where, apply_all<Where, 3>);
  table.copy = apply_all<Copy, 1>;
  const auto loads = [&](DType dtype, TileLoad<float> load) { table.load[static_cast<int>(dtype)] = load; };
  loads(DType::f32, load_f32);
  loads(DType::f16, load_16<Half>);
  loads(DType::bf16, load_16<Brain>);
  loads(DType::i64, load_integer<std::int64_t, false>);
  loads(DType::i32, load_integer<std::int32_t, false>);
  loads(DType::i16, load_integer<std::int16_t, false>);
  loads(DType::i8, load_integer<std::int8_t, false>);
  loads(DType::u8, load_integer<std::uint8_t, false>);
  loads(DType::boolean, load_integer<std::uint8_t, true>);
  const auto stores = [&](DType dtype, TileStore<float> store) { table.store[static_cast<int>(dtype)] = store; };
  stores(DType::f32, store_f32);
  stores(DType::f16, store_16<Half>);
  stores(DType::bf16, store_16<Brain>);
  stores(DType::boolean, store_boolean);
  return table;
}

}  // namespace

constinit const TileKernels<float> WHERRY_TILE_TABLE = make_table();

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
