#pragma once
// An elementwise expression: a short straight-line program applied to every element alike. The graph carries it
// (`elementwise` nodes, epilogues of matmul and convolution), the kernels run it over tiles.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/truncate_to_int.h"

namespace wherry::expression {

/// Arithmetic is IEEE fp32 (`f32`), fp64 (`f64`) or wrapping int64 (`i64`), chosen by Program::compute.
enum class Compute : std::uint8_t { f32, f64, i64 };

/// Comparisons and logic give 1 or 0; anything but 0 is true. min, max and clamp return NaN where an operand is NaN,
/// as PyTorch's do. Operands are a, b, c in that order.
enum class Opcode : std::uint8_t {
  constant,  ///< the instruction's immediate
  // a ∘ b
  add,
  sub,
  mul,
  div,
  floor_div,
  trunc_div,
  remainder,
  fmod,
  pow,
  min,
  max,
  atan2,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  logical_and,
  logical_or,
  logical_xor,
  bit_and,
  bit_or,
  bit_xor,  ///< i64 only
  // f(a)
  neg,
  abs,
  sign,
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sqrt,
  rsqrt,
  reciprocal,
  square,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  erf,
  gelu,       ///< a/2 · (1 + erf(a/√2))
  gelu_tanh,  ///< a/2 · (1 + tanh(√(2/π) · (a + 0.044715·a³)))
  floor,
  ceil,
  round,
  trunc,
  logical_not,
  isnan,
  isinf,
  sigmoid,
  relu,
  // a ? b : c
  where,
  count_  ///< not an opcode
};

struct OpcodeInfo {
  std::string_view name;
  int arity;
};
const OpcodeInfo& info(Opcode opcode);
std::optional<Opcode> opcode_from_name(std::string_view name);

/// One instruction. Registers 0 … inputs-1 are the operands of the program; instruction i writes register inputs + i.
struct Instruction {
  Opcode opcode;
  std::uint8_t a = 0, b = 0, c = 0;
  double immediate = 0;  ///< of `constant`; integers up to 2^53 are exact

  /// The immediate as a register has it.
  template <typename T>
  T constant() const {
    if constexpr (std::is_integral_v<T>) {
      return base::truncate_to_int(immediate);
    } else {
      return static_cast<T>(immediate);
    }
  }

  bool operator==(const Instruction&) const = default;
};

/// The result is the last register (operand 0 where there are no instructions). At most 255 registers.
struct Program {
  Compute compute = Compute::f32;
  int inputs = 1;
  std::vector<Instruction> code;

  int registers() const { return inputs + static_cast<int>(code.size()); }
  int result() const { return registers() - 1; }
  bool is_identity() const { return code.empty() && inputs == 1; }
  bool operator==(const Program&) const = default;

  /// "f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }", and back. `parse` throws InvalidInput.
  std::string to_string() const;
  static Program parse(std::string_view text);

  /// Throws InternalError where a register is read before it is written or an opcode does not fit `compute`.
  void verify() const;
};

/// A program is built one instruction at a time; equal instructions are emitted once, constants are folded.
class Builder {
 public:
  Builder(Compute compute, int inputs);
  std::uint8_t input(int i) const { return static_cast<std::uint8_t>(i); }
  std::uint8_t constant(double value);
  std::uint8_t emit(Opcode opcode, std::uint8_t a, std::uint8_t b = 0, std::uint8_t c = 0);
  /// Copies `program`'s code in; its operand i reads register operands[i] here. Returns its result's register.
  std::uint8_t append(const Program& program, std::span<const std::uint8_t> operands);
  /// The program whose result is `result`: unused instructions dropped, `result` last.
  Program finish(std::uint8_t result);

 private:
  Program program_;
};

/// The readable meaning of a program for one element: the oracle of every kernel, and what folds constants.
double evaluate(const Program& program, std::span<const double> operands);  ///< compute f64; f32 rounds each step
std::int64_t evaluate(const Program& program, std::span<const std::int64_t> operands);  ///< compute i64

/// The same for many elements: registers are kept from one call to the next. Not for several threads at once.
class Evaluator {
 public:
  explicit Evaluator(Program program);
  double operator()(std::span<const double> operands);              ///< compute f64 or f32
  std::int64_t operator()(std::span<const std::int64_t> operands);  ///< compute i64

 private:
  Program program_;
  std::vector<float> f32_;
  std::vector<double> f64_;
  std::vector<std::int64_t> i64_;
};

}  // namespace wherry::expression
