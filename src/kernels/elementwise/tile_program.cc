// Makes an elementwise program ready: assigns its registers to slots of a scratch block that stays in L1 and runs one
// loop an instruction over chunks that fit a slot. The loops come from the instruction set's table.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/elementwise/tile_kernels.h"
#include "kernels/tile.h"

namespace wherry::kernels {
namespace {

using expression::Compute;
using expression::Instruction;
using expression::Opcode;
using expression::Program;

constexpr std::int64_t kScratchBytes = 32 * 1024;
constexpr std::int64_t kChunkBytes = 4096;  // a slot's size where few are needed
// Narrower tiles are packed, several rows to a chunk: a chunk should be long enough to pay for its indirect calls.
constexpr std::int64_t kNarrow = 128;
constexpr std::size_t kAllOnes = ~std::size_t{0};

template <typename T>
constexpr DType kNative = DType::f32;
template <>
constexpr DType kNative<double> = DType::f64;
template <>
constexpr DType kNative<std::int64_t> = DType::i64;

/// An instruction set's table, `fallback`'s loops where it has none.
template <typename T>
TileKernels<T> complete(const TileKernels<T>& table, const TileKernels<T>& fallback) {
  TileKernels<T> all = fallback;
  const auto take = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < std::size(to); ++i)
      if (from[i] != nullptr) to[i] = from[i];
  };
  take(all.opcodes, table.opcodes);
  take(all.load, table.load);
  take(all.store, table.store);
  if (table.copy != nullptr) all.copy = table.copy;
  return all;
}

TileKernels<float> kernels_for(base::Isa isa) {
  TileKernels<float> best = kTileReference;
#define WHERRY_TILE_KERNELS(set, table) \
  if (base::includes(isa, base::Isa::set)) best = complete(table, best);
#include "kernels/elementwise/kernels.inc"
#undef WHERRY_TILE_KERNELS
  return best;
}

/// Powers that are cheaper and more exact as something else, as PyTorch computes them too (x ^ 0.5 is √x: NaN at −∞).
/// Writes the replacement for pow(register, exponent) and returns true, or returns false.
bool rewrite_power(double exponent, std::uint8_t base, std::uint8_t next, std::vector<Instruction>& code) {
  const auto emit = [&](Opcode opcode, std::uint8_t a, std::uint8_t b = 0) { code.push_back({opcode, a, b, 0, 0}); };
  if (exponent == 2) return emit(Opcode::square, base), true;
  if (exponent == 3) return emit(Opcode::square, base), emit(Opcode::mul, next, base), true;
  if (exponent == 0.5) return emit(Opcode::sqrt, base), true;
  if (exponent == -0.5) return emit(Opcode::rsqrt, base), true;
  if (exponent == -1) return emit(Opcode::reciprocal, base), true;
  if (exponent == -2) return emit(Opcode::square, base), emit(Opcode::reciprocal, next), true;
  return false;
}

/// The same function with instructions that run faster.
Program simplified(const Program& program) {
  Program result;
  result.compute = program.compute;
  result.inputs = program.inputs;
  std::vector<std::uint8_t> renamed(static_cast<std::size_t>(program.registers()));
  std::vector<const Instruction*> constants(renamed.size(), nullptr);
  for (int i = 0; i < program.inputs; ++i) renamed[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    Instruction it = program.code[i];
    const std::size_t written = static_cast<std::size_t>(program.inputs) + i;
    const Instruction* exponent = it.opcode == Opcode::pow ? constants[it.b] : nullptr;
    if (it.opcode == Opcode::constant) constants[written] = &program.code[i];
    const int arity = info(it.opcode).arity;
    it.a = arity > 0 ? renamed[it.a] : std::uint8_t{0};
    it.b = arity > 1 ? renamed[it.b] : std::uint8_t{0};
    it.c = arity > 2 ? renamed[it.c] : std::uint8_t{0};
    const bool room = result.registers() + static_cast<int>(program.code.size() - i) < 255;
    const auto next = static_cast<std::uint8_t>(result.registers());
    if (program.compute == Compute::i64 || exponent == nullptr || !room ||
        !rewrite_power(exponent->immediate, it.a, next, result.code))
      result.code.push_back(it);
    renamed[written] = static_cast<std::uint8_t>(result.result());
  }
  return result;
}

template <typename T>
class ChunkedProgram final : public TileProgram {
 public:
  ChunkedProgram(const Program& program, const DType* operand_dtypes, DType result_dtype, const TileKernels<T>& kernels)
      : registers_(static_cast<std::size_t>(program.registers())), inputs_(program.inputs) {
    for (int i = 0; i < program.inputs; ++i) {
      const auto dtype = static_cast<std::size_t>(operand_dtypes[i]);
      operands_.push_back({kernels.load[dtype], static_cast<std::int64_t>(size_of(operand_dtypes[i])),
                           operand_dtypes[i] == kNative<T>});
    }
    result_size_ = static_cast<std::int64_t>(size_of(result_dtype));
    result_native_ = result_dtype == kNative<T>;
    store_ = kernels.store[static_cast<std::size_t>(result_dtype)];
    compile(program, kernels);
  }

  void run(const TileOperand* operands, const TileDestination& destination, std::int64_t rows,
           std::int64_t columns) const noexcept override {
    if (rows <= 0 || columns <= 0) return;
    if (rows > 1 && is_flat(operands, destination, columns)) {
      columns *= rows;
      rows = 1;
    }
    // Steps past the first chunk are made on copies of the addresses.
    const std::int64_t together = columns < kNarrow ? std::max<std::int64_t>(chunk_ / columns, 1) : 1;
    if (together > 1) {
      for (std::int64_t row = 0; row < rows; row += together)
        run_chunk(operands, destination, row, 0, std::min(together, rows - row), columns);
      return;
    }
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t column = 0; column < columns; column += chunk_)
        run_chunk(operands, destination, row, column, 1, std::min(chunk_, columns - column));
  }

 private:
  struct Operand {
    TileLoad<T> load;
    std::int64_t size;
    bool native;
  };
  struct Step {
    TileKernel<T> kernel;  // null: operand a is loaded
    std::uint8_t y, a, b, c;
  };
  /// Where a register is: a slot of the scratch block or, for a constant, its splat (slot −1).
  struct Register {
    int slot = -1;
    int splat = -1;
  };
  struct alignas(kSplatBytes) Splat {
    T values[kSplatBytes / sizeof(T)];
  };

  void compile(const Program& program, const TileKernels<T>& kernels) {
    std::vector<Step> steps;
    std::vector<bool> ready(registers_.size() + 1);
    const auto need = [&](std::uint8_t reg) {
      if (ready[reg]) return;
      ready[reg] = true;
      if (reg < inputs_) steps.push_back({nullptr, reg, reg, reg, reg});
    };
    for (std::size_t i = 0; i < program.code.size(); ++i) {
      const Instruction& it = program.code[i];
      const auto y = static_cast<std::uint8_t>(static_cast<std::size_t>(inputs_) + i);
      ready[y] = true;
      if (it.opcode == Opcode::constant) {
        registers_[y].splat = static_cast<int>(splats_.size());
        splats_.emplace_back();
        std::fill(std::begin(splats_.back().values), std::end(splats_.back().values), it.constant<T>());
        continue;
      }
      const int arity = info(it.opcode).arity;
      const std::uint8_t b = arity > 1 ? it.b : it.a;
      const std::uint8_t c = arity > 2 ? it.c : it.a;
      need(it.a);
      need(b);
      need(c);
      const TileKernel<T> kernel = kernels.opcodes[static_cast<std::size_t>(it.opcode)];
      WHERRY_CHECK(kernel != nullptr);
      steps.push_back({kernel, y, it.a, b, c});
    }
    // A result that no loop writes is copied.
    result_ = static_cast<std::uint8_t>(program.result());
    if (steps.empty() || steps.back().kernel == nullptr || steps.back().y != result_) {
      need(result_);
      WHERRY_CHECK(registers_.size() < 256);
      registers_.emplace_back();
      const auto y = static_cast<std::uint8_t>(registers_.size() - 1);
      steps.push_back({kernels.copy, y, result_, result_, result_});
      result_ = y;
    }
    assign_slots(steps);
    steps_ = std::move(steps);
  }

  /// Liveness: a register's slot is free again after its last reader; that reader may write its result there, except
  /// over an operand, which may be a splat.
  void assign_slots(const std::vector<Step>& steps) {
    std::vector<std::size_t> last_use(registers_.size(), 0);
    for (std::size_t s = 0; s < steps.size(); ++s)
      for (const std::uint8_t reg : {steps[s].a, steps[s].b, steps[s].c, steps[s].y}) last_use[reg] = s;
    std::vector<int> free;
    int slots = 0;
    const auto release = [&](std::uint8_t reg, std::size_t s) {
      int& slot = registers_[reg].slot;
      if (slot < 0 || last_use[reg] != s) return;
      if (std::find(free.begin(), free.end(), slot) == free.end()) free.push_back(slot);
    };
    for (std::size_t s = 0; s < steps.size(); ++s) {
      const Step& step = steps[s];
      if (step.kernel != nullptr)
        for (const std::uint8_t reg : {step.a, step.b, step.c})
          if (reg >= inputs_) release(reg, s);
      if (free.empty()) free.push_back(slots++);
      registers_[step.y].slot = free.back();
      free.pop_back();
      if (step.kernel != nullptr)
        for (const std::uint8_t reg : {step.a, step.b, step.c})
          if (reg < inputs_) release(reg, s);
      if (step.kernel != nullptr) release(step.y, s);  // read by nobody
    }
    constexpr std::int64_t kLine = kSplatBytes / sizeof(T);
    const std::int64_t share = kScratchBytes / static_cast<std::int64_t>(sizeof(T)) / std::max(slots, 1);
    const auto most = kChunkBytes / static_cast<std::int64_t>(sizeof(T));
    chunk_ = std::max(kLine, std::min(most, share / kLine * kLine));
    WHERRY_CHECK(chunk_ * slots * static_cast<std::int64_t>(sizeof(T)) <= kScratchBytes);
  }

  /// Whether rows follow each other as columns do, everywhere.
  bool is_flat(const TileOperand* operands, const TileDestination& destination, std::int64_t columns) const {
    if (destination.row_stride != destination.column_stride * columns) return false;
    for (int i = 0; i < inputs_; ++i)
      if (operands[i].row_stride != operands[i].column_stride * columns) return false;
    return true;
  }

  static bool is_contiguous(std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
                            std::int64_t columns) {
    return (column_stride == 1 || columns == 1) && (rows == 1 || row_stride == columns);
  }

  void run_chunk(const TileOperand* operands, const TileDestination& destination, std::int64_t row, std::int64_t column,
                 std::int64_t rows, std::int64_t columns) const {
    alignas(kSplatBytes) std::byte scratch[kScratchBytes];
    const T* values[256];
    std::size_t masks[256];
    const auto slot = [&](std::uint8_t reg) { return reinterpret_cast<T*>(scratch) + registers_[reg].slot * chunk_; };
    for (std::size_t i = static_cast<std::size_t>(inputs_); i < registers_.size(); ++i) {
      if (registers_[i].splat < 0) continue;
      values[i] = splats_[static_cast<std::size_t>(registers_[i].splat)].values;
      masks[i] = 0;
    }
    std::byte* out = static_cast<std::byte*>(destination.data) +
                     (row * destination.row_stride + column * destination.column_stride) * result_size_;
    const bool direct =
        result_native_ && is_contiguous(destination.row_stride, destination.column_stride, rows, columns);
    for (const Step& step : steps_) {
      if (step.kernel == nullptr) {
        const TileOperand& from = operands[step.a];
        const Operand& how = operands_[step.a];
        const std::byte* data =
            static_cast<const std::byte*>(from.data) + (row * from.row_stride + column * from.column_stride) * how.size;
        masks[step.y] = kAllOnes;
        if (how.native && is_contiguous(from.row_stride, from.column_stride, rows, columns)) {
          values[step.y] = reinterpret_cast<const T*>(data);
          continue;
        }
        T* y = slot(step.y);
        values[step.y] = y;
        if ((from.row_stride == 0 || rows == 1) && (from.column_stride == 0 || columns == 1)) {
          how.load(y, data, 0, 0, 1, 1);
          for (std::size_t i = 1; i < kSplatBytes / sizeof(T); ++i) y[i] = y[0];
          masks[step.y] = 0;
        } else {
          how.load(y, data, from.row_stride, from.column_stride, rows, columns);
        }
        continue;
      }
      T* y = direct && step.y == result_ ? reinterpret_cast<T*>(out) : slot(step.y);
      step.kernel({y, values[step.a], values[step.b], values[step.c], masks[step.a], masks[step.b], masks[step.c],
                   rows * columns});
      values[step.y] = y;
      masks[step.y] = kAllOnes;
    }
    if (!direct) store_(out, destination.row_stride, destination.column_stride, values[result_], rows, columns);
  }

  std::vector<Operand> operands_;
  std::vector<Register> registers_;
  std::vector<Splat> splats_;
  std::vector<Step> steps_;
  int inputs_;
  std::uint8_t result_ = 0;
  std::int64_t chunk_ = 0;
  TileStore<T> store_ = nullptr;
  std::int64_t result_size_ = 0;
  bool result_native_ = false;
};

}  // namespace

std::unique_ptr<const TileProgram> make_tile_program(const expression::Program& program, const DType* operand_dtypes,
                                                     DType result_dtype, base::Isa isa) {
  program.verify();
  const Program fast = simplified(program);
  switch (fast.compute) {
    case Compute::f32:
      return std::make_unique<ChunkedProgram<float>>(fast, operand_dtypes, result_dtype, kernels_for(isa));
    case Compute::f64:
      return std::make_unique<ChunkedProgram<double>>(fast, operand_dtypes, result_dtype, kTileReferenceF64);
    case Compute::i64:
      return std::make_unique<ChunkedProgram<std::int64_t>>(fast, operand_dtypes, result_dtype, kTileReferenceI64);
  }
  base::fail<InternalError>("elementwise program with compute {}", static_cast<int>(fast.compute));
}

}  // namespace wherry::kernels
