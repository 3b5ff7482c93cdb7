#pragma once
// Matrix multiplication with an epilogue: linear layers, attention, and the contract that convolution builds on.
//
// A `Matmul` is a primitive: a kernel and its blocking, chosen once for a shape, an instruction set and a number of
// threads. It owns no memory: the caller gives packed weights, operands and scratch with every run, so one primitive
// may run on several threads and in several requests at once.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "kernels/choice.h"
#include "kernels/tile.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// A constant right-hand side B [depth, columns], as packing sees it. The packed form depends on nothing else (and the
/// ISA): every shape, batch size and thread count shares it.
struct PackedMatrix {
  std::int64_t depth = 0;    ///< K
  std::int64_t columns = 0;  ///< N
  DType dtype = DType::f32;  ///< of the packed elements: f32, or bf16 (then K ≥ 1 and the ISA must have bf16)
  bool in_parts = false;     ///< as MatmulShape has it
  bool strassen = false;     ///< as MatmulShape has it

  bool operator==(const PackedMatrix&) const = default;
};

/// Whether this ISA has kernels that multiply fp32 numbers in parts.
bool multiplies_parts(base::Isa isa);
/// Whether that is expected to take much less time than fp32 products do.
bool prefers_parts(base::Isa isa, std::int64_t rows, std::int64_t depth, std::int64_t columns);

/// Whether Strassen's algorithm can multiply a matrix of so many rows by one of this depth and so many columns, and is
/// expected to take less time than the plain way: it needs seven products of halves where eight would be plain, for a
/// few sums more. Packed weights are 1.75 times as large.
///
/// An element of C is then a sum over more products than its own, those of the row beside it (rows 2i and 2i + 1 are
/// one) and of a column of the panel beside its own. Errors are relative to the largest of these:
/// strassen_matmul_test.cc measures 1.7 to 3.2 times a plain sum's (of depth 768: 1.6e-6 to 2.2e-6 where plain sums
/// have 9e-7). An infinity or NaN in a row of A may reach the row beside it; one in B, that other column.
bool prefers_strassen(base::Isa isa, std::int64_t rows, std::int64_t depth, std::int64_t columns);

/// Bytes of B's packed form, a multiple of 64. Its memory must lie on a 64-byte boundary.
std::size_t packed_bytes(const PackedMatrix& b, base::Isa isa);
/// The name of the packed format, e.g. "f32_panel32", "bf16_panel32": two weights with equal names, shapes and contents
/// may share bytes.
std::string packed_format(const PackedMatrix& b, base::Isa isa);
/// Packs B from fp32, rounded to nearest even for bf16; element (k, n) at b + k·depth_stride + n·column_stride. So the
/// weight W[N, K] of a linear layer packs with depth_stride 1 and column_stride K.
void pack(const PackedMatrix& b, base::Isa isa, const float* source, std::int64_t depth_stride,
          std::int64_t column_stride, void* packed);

/// Packing in parts, for several threads or for sources larger than one likes to have in memory: items [begin, end) of
/// packing_items(). Each item reads and writes a part of its own, from the first columns to the last.
std::int64_t packing_items(const PackedMatrix& b, base::Isa isa);
void pack(const PackedMatrix& b, base::Isa isa, const float* source, std::int64_t depth_stride,
          std::int64_t column_stride, void* packed, std::int64_t begin, std::int64_t end);

inline constexpr int kMaxBatchDims = 4;
using BatchSizes = std::array<std::int64_t, kMaxBatchDims>;

/// C[…, M, N] = epilogue(A[…, M, K] · B[…, K, N]) over up to four batch dims. Strides are in elements, may be negative,
/// and are 0 where an operand is broadcast; unused batch dims have size 1. All operands are of `dtype`; C is fp32,
/// bf16 where dtype is, or of any dtype where the epilogue has a program.
///
/// Callers get the best out of it by folding batch dims into M where A and C allow it (B constant).
struct MatmulShape {
  std::int64_t rows = 0;     ///< M
  std::int64_t depth = 0;    ///< K; 0 is allowed: C = epilogue(0)
  std::int64_t columns = 0;  ///< N
  DType dtype = DType::f32;  ///< f32; or bf16 with fp32 sums: then K ≥ 1 and a_depth_stride is 1
  /// Of f32 with a packed B, for ISAs that multiply parts: each number is multiplied as the sum of three bf16 ones,
  /// which is exact but for parts that bf16 takes as zero (below 2^-126). Of their nine products the three smallest,
  /// below 2^-24 of the whole, are left out (Henry, Tang and Heinecke, "Leveraging the bfloat16 Artificial Intelligence
  /// Datatype For Higher-Precision Computations", 2019), so that C is as near as fp32 products make it. Then K ≥ 1 and
  /// a_depth_stride is 1. An infinite element of B makes NaN of its column.
  bool in_parts = false;
  /// Of f32 with a packed B and a_depth_stride 1, for even depths and columns that fill pairs of vectors: Strassen's
  /// algorithm, one level of it, in Winograd's form (prefers_strassen() says what that means for C).
  bool strassen = false;

  std::int64_t a_row_stride = 0;
  std::int64_t a_depth_stride = 1;
  bool packed_b = true;             ///< B is constant, packed by `pack`; it has no batch strides then
  std::int64_t b_depth_stride = 0;  ///< of an activation B
  std::int64_t b_column_stride = 1;
  std::int64_t c_row_stride = 0;  ///< column stride of C is 1
  DType c_dtype = DType::f32;

  BatchSizes batch = {1, 1, 1, 1};
  BatchSizes a_batch_strides = {};
  BatchSizes b_batch_strides = {};
  BatchSizes c_batch_strides = {};

  bool operator==(const MatmulShape&) const = default;
};

/// Whether the shape can be multiplied as it says, plainly, in parts or by Strassen's algorithm.
bool applies(const MatmulShape& shape, base::Isa isa);

struct MatmulArguments {
  const void* a = nullptr;
  const void* b = nullptr;  ///< packed bytes, or elements where !packed_b
  void* c = nullptr;
  /// Rows are M, columns N, in batch element 0. Must not overlap C, except that the residual or an operand may be C
  /// itself.
  Epilogue epilogue;
  /// How residual and operands move with the batch, in elements; operand_batch_strides has epilogue.operand_count
  /// entries, or is null where none moves.
  BatchSizes residual_batch_strides = {};
  const BatchSizes* operand_batch_strides = nullptr;
  const void* next = nullptr;  ///< what this thread will read after the run (weights): kernels may ask caches for it
};

class Matmul {
 public:
  virtual ~Matmul() = default;
  /// Which kernel runs, e.g. "f32_14x32_avx512", "bf16_32x32_amx", "f32_4x8_scalar".
  virtual std::string_view name() const = 0;
  /// Work items; any partition of [0, items()) into ranges, in any order and on any threads, gives the same C.
  virtual std::int64_t items() const = 0;
  /// Scratch that each concurrent `run` needs for itself, on a 64-byte boundary. Its contents before and after mean
  /// nothing.
  virtual std::size_t scratch_bytes() const = 0;
  /// Where in the packed weights an item begins to read, in bytes.
  virtual std::int64_t weight_offset(std::int64_t /*item*/) const { return 0; }
  /// Computes items [begin, end).
  virtual void run(const MatmulArguments& arguments, std::int64_t begin, std::int64_t end,
                   void* scratch) const noexcept = 0;
  /// Blockings worth measuring for this shape, the cost model's first. Empty where there is one only.
  virtual std::vector<Choice> candidates() const { return {}; }
};

/// Chooses kernel and blocking. `threads` is how many will share the items: it shapes the partition, not the result's
/// meaning. `choice` is one of the candidates of such a primitive, empty for the cost model's.
std::unique_ptr<const Matmul> make_matmul(const MatmulShape& shape, base::Isa isa, int threads,
                                          const Choice& choice = {});

/// The oracle: one dot product an element, summed in fp64, then the epilogue. `b` has the elements of `dtype`,
/// b_depth_stride and b_column_stride (and `packed_b` is ignored).
void matmul_reference(const MatmulShape& shape, const MatmulArguments& arguments);

}  // namespace wherry::kernels
