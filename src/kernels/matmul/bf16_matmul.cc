// bf16 matmul: rows of A are read where they lie, or gathered where a tile could read past them.

#include "kernels/matmul/bf16_matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "kernels/matmul/batch_element.h"
#include "kernels/matmul/bf16_walk.h"

namespace wherry::kernels {
namespace {

/// Of fp32 instructions of a present x86 server core, a cycle, as measured.
constexpr double kFp32Products = 27;
/// Parts must be expected to win by this much: estimates are wrong by a third at times, and weights grow.
constexpr double kMostOfFp32 = 0.6;

Bf16Problem problem_of(const MatmulShape& shape, base::Isa isa, int threads) {
  const bool anywhere = bf16_kernels(isa).rows_anywhere;
  Bf16Problem problem;
  problem.panels = bf16_panels({shape.depth, shape.columns, shape.dtype, shape.in_parts});
  problem.outer = shape.batch[0] * shape.batch[1] * shape.batch[2] * shape.batch[3];
  problem.rows = problem.line_rows = shape.rows;
  problem.gathers = !problem.panels.divided || (shape.rows < kBf16TileRows && !anywhere);
  problem.locates = anywhere && !problem.gathers;
  if (kBf16Gathers && shape.depth % kBf16Group == 0) problem.piece_elements = shape.depth;
  problem.packs_b = !shape.packed_b;
  problem.a_row_bytes = problem.a_element_bytes() * shape.a_row_stride;
  problem.a_read_bytes = problem.a_element_bytes() * shape.depth;
  problem.y_is_even = true;
  problem.y_is_bf16 = shape.c_dtype == DType::bf16;
  problem.y_dtype = shape.c_dtype;
  problem.threads = threads;
  return problem;
}

class Bf16Matmul final : public Matmul {
 public:
  Bf16Matmul(const MatmulShape& shape, base::Isa isa, int threads, const Choice& choice)
      : shape_(shape),
        walk_(problem_of(shape, isa, threads), isa, choice),
        gathers_(problem_of(shape, isa, threads).gathers) {
    name_ = shape.in_parts ? fmt::format("f32_parts_32x32_{}", base::name_of(isa))
                           : fmt::format("bf16_32x32_{}{}", gathers_ ? "gather_" : "", base::name_of(isa));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return walk_.items(); }
  std::size_t scratch_bytes() const override { return walk_.scratch_bytes(); }
  std::int64_t weight_offset(std::int64_t item) const override { return walk_.weight_offset(item); }
  std::vector<Choice> candidates() const override { return walk_.candidates(); }

  void run(const MatmulArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override {
    static constexpr std::int64_t kOneTap[1] = {0};
    Operands operands{shape_, walk_.panels(), arguments};
    walk_.run(operands, kOneTap, arguments.epilogue, arguments.next, arguments.c, shape_.c_row_stride, begin, end,
              scratch);
  }

 private:
  struct Operands {
    const MatmulShape& shape;
    const Bf16Panels& panels;
    const MatmulArguments& arguments;
    std::int64_t packed_outer = -1, packed_panel = -1;
    Bf16Piece pieces[kBf16GatherRows];  // a row is one
    std::int64_t operand_offsets[kMaxEpilogueOperands];

    Operands(const MatmulShape& s, const Bf16Panels& p, const MatmulArguments& a) : shape(s), panels(p), arguments(a) {}

    std::int64_t a_element_bytes() const { return static_cast<std::int64_t>(size_of(shape.dtype)); }
    BatchSizes index(std::int64_t outer) const { return batch_index(shape.batch, outer); }
    const std::byte* a(std::int64_t outer, std::int64_t) const {
      return static_cast<const std::byte*>(arguments.a) +
             a_element_bytes() * batch_offset(index(outer), shape.a_batch_strides);
    }
    void locate(std::int64_t row, std::int64_t count, std::int64_t* bytes) const {
      for (std::int64_t r = 0; r < count; ++r) bytes[r] = 2 * (row + r) * shape.a_row_stride;
    }
    void gather(std::int64_t outer, std::int64_t row, int i, Bf16GatherTask& task) {
      pieces[i] = {a(outer, 0) + a_element_bytes() * row * shape.a_row_stride, 0, shape.depth};
      task.pieces = pieces + i;
      task.count = 1;
    }
    const std::byte* panel(std::int64_t outer, std::int64_t panel, std::byte* scratch) {
      if (shape.packed_b) return static_cast<const std::byte*>(arguments.b) + panels.offset(panel);
      if (outer != packed_outer || panel != packed_panel) {
        const auto* b =
            static_cast<const std::byte*>(arguments.b) + 2 * batch_offset(index(outer), shape.b_batch_strides);
        pack_bf16_panel(panels, panel,
                        Bf16Source::matrix(b, true, shape.depth, shape.b_depth_stride, shape.b_column_stride), scratch);
        packed_outer = outer, packed_panel = panel;
      }
      return scratch;
    }
    void outputs(std::int64_t outer, std::int64_t row, std::int64_t count, std::int64_t* offsets,
                 std::int64_t* pixels) const {
      const auto bytes = static_cast<std::int64_t>(size_of(shape.c_dtype));
      const std::int64_t base = batch_offset(index(outer), shape.c_batch_strides);
      for (std::int64_t r = 0; r < count; ++r) {
        offsets[r] = (base + (row + r) * shape.c_row_stride) * bytes;
        pixels[r] = row + r;
      }
    }
    EpilogueOrigin origin(std::int64_t outer) { return epilogue_origin(arguments, index(outer), operand_offsets); }
  };

  MatmulShape shape_;
  Bf16Walk walk_;
  bool gathers_;
  std::string name_;
};

}  // namespace

Bf16Panels bf16_panels(const PackedMatrix& b) { return make_bf16_panels(b.columns, 1, b.depth, b.in_parts); }

bool multiplies_parts(base::Isa isa) { return base::has_bf16(isa) && bf16_kernels(isa).gather_parts != nullptr; }

bool prefers_parts(base::Isa isa, std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  if (!multiplies_parts(isa) || rows == 0 || depth == 0) return false;
  MatmulShape shape;
  shape.rows = rows, shape.depth = depth, shape.columns = columns;
  shape.in_parts = true;
  shape.a_row_stride = depth, shape.c_row_stride = columns;
  const auto weights = static_cast<double>(depth * columns);
  const double in_fp32 = std::max(static_cast<double>(rows) * weights / kFp32Products, 4 * weights / kL3Rate);
  return bf16_cycles(problem_of(shape, isa, 1)) < kMostOfFp32 * in_fp32;
}

std::unique_ptr<const Matmul> make_bf16_matmul(const MatmulShape& shape, base::Isa isa, int threads,
                                               const Choice& choice) {
  WHERRY_CHECK(shape.depth >= 1 && (shape.a_depth_stride == 1 || shape.depth == 1));
  WHERRY_CHECK(!shape.in_parts || (multiplies_parts(isa) && shape.packed_b && shape.dtype == DType::f32));
  WHERRY_CHECK(shape.c_row_stride >= 0);
  for (const std::int64_t stride : shape.c_batch_strides) WHERRY_CHECK(stride >= 0);
  return std::make_unique<Bf16Matmul>(shape, isa, threads, choice);
}

}  // namespace wherry::kernels
