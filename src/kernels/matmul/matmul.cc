// Matmul as a walk over (batch element, block of rows, panel of columns).

#include "kernels/matmul/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "kernels/matmul/batch_element.h"
#include "kernels/matmul/bf16_matmul.h"
#include "kernels/matmul/block.h"
#include "kernels/matmul/blocking.h"
#include "kernels/matmul/panels.h"
#include "kernels/matmul/strassen_matmul.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

std::size_t round_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

class TiledMatmul final : public Matmul {
 public:
  TiledMatmul(const MatmulShape& shape, base::Isa isa, int threads, const Choice& choice)
      : shape_(shape), kernels_(tile_kernels(isa)), panels_(make_panels(shape.columns, kernels_)) {
    for (const std::int64_t size : shape.batch) {
      WHERRY_CHECK(size >= 0);
      batch_ *= size;
    }
    problem_ = {.outer = batch_,
                .rows = shape.rows,
                .taps = 1,
                .depth = shape.depth,
                .a_bytes_per_row = shape.depth * 4,
                .strided = shape.a_depth_stride == 1,
                .a_row_stride = shape.a_row_stride,
                .shared_b = shape.packed_b,
                .threads = threads};
    blocking_ = choose_blocking(kernels_, panels_, problem_, choice);
    items_ = batch_ * blocking_.blocks * panels_.count;
    name_ = fmt::format("f32_{}x{}_{}", blocking_.tile_rows, panels_.widest() * panels_.lanes,
                        base::name_of(base::fp32_isa(isa)));

    const std::int64_t rows = blocking_.max_block_rows();
    accumulators_at_ = round_up(std::max(rows * sizeof(const float*), blocking_.copied_elements() * sizeof(float)));
    panel_at_ = accumulators_at_ + round_up(rows * panels_.widest() * panels_.lanes * sizeof(float));
    scratch_bytes_ = panel_at_;
    if (!shape.packed_b) scratch_bytes_ += round_up(panels_.widest() * panels_.lanes * shape.depth * sizeof(float));
    element_bytes_ = static_cast<std::int64_t>(size_of(shape.c_dtype));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return items_; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  std::vector<Choice> candidates() const override { return blocking_candidates(kernels_, panels_, problem_); }

  void run(const MatmulArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 private:
  struct Item {
    std::int64_t batch, block, panel;
  };
  Item item_at(std::int64_t item) const {
    if (blocking_.panels_outer) {
      const std::int64_t block = item % blocking_.blocks, rest = item / blocking_.blocks;
      return {rest / panels_.count, block, rest % panels_.count};
    }
    const std::int64_t panel = item % panels_.count, rest = item / panels_.count;
    return {rest / blocking_.blocks, rest % blocking_.blocks, panel};
  }

  MatmulShape shape_;
  const TileKernels& kernels_;
  Panels panels_;
  BlockingProblem problem_;
  Blocking blocking_;
  std::int64_t batch_ = 1;
  std::int64_t items_ = 0;
  std::int64_t element_bytes_ = 4;
  std::size_t accumulators_at_ = 0, panel_at_ = 0, scratch_bytes_ = 0;
  std::string name_;
};

void TiledMatmul::run(const MatmulArguments& arguments, std::int64_t begin, std::int64_t end,
                      void* scratch) const noexcept {
  std::byte* const memory = static_cast<std::byte*>(scratch);
  const float** const table = reinterpret_cast<const float**>(memory);
  float* const copied = reinterpret_cast<float*>(memory);
  float* const packed = reinterpret_cast<float*>(memory + panel_at_);
  std::int64_t operand_offsets[kMaxEpilogueOperands];
  EpilogueOrigin origin;
  std::int64_t a_offset = 0, b_offset = 0, c_offset = 0;
  Item last = {-1, -1, -1};

  for (std::int64_t i = begin; i < end; ++i) {
    const Item item = item_at(i);
    if (item.batch != last.batch) {
      const BatchSizes index = batch_index(shape_.batch, item.batch);
      a_offset = batch_offset(index, shape_.a_batch_strides);
      b_offset = batch_offset(index, shape_.b_batch_strides);
      c_offset = batch_offset(index, shape_.c_batch_strides);
      origin = epilogue_origin(arguments, index, operand_offsets);
    }
    const std::int64_t first_row = blocking_.first_row_of_block(item.block);
    if (!blocking_.strided && (item.batch != last.batch || item.block != last.block)) {
      const std::int64_t rows = blocking_.first_row_of_block(item.block + 1) - first_row;
      const float* a = static_cast<const float*>(arguments.a) + a_offset + first_row * shape_.a_row_stride;
      for (std::int64_t r = 0; r < rows; ++r) table[r] = a + r * shape_.a_row_stride;
    }
    if (blocking_.copied_stride != 0 && (item.batch != last.batch || item.block != last.block))
      copy_rows(static_cast<const float*>(arguments.a) + a_offset + first_row * shape_.a_row_stride,
                shape_.a_row_stride, blocking_.first_row_of_block(item.block + 1) - first_row, shape_.depth, copied,
                blocking_.copied_stride);
    const float* panel = packed;
    if (shape_.packed_b) {
      panel = static_cast<const float*>(arguments.b) + panels_.offset(item.panel, shape_.depth);
    } else if (item.batch != last.batch || item.panel != last.panel) {
      pack_panel(panels_, item.panel, static_cast<const float*>(arguments.b) + b_offset, shape_.b_depth_stride,
                 shape_.b_column_stride, 0, shape_.depth, packed);
    }
    last = item;

    BlockTask task;
    task.kernels = &kernels_;
    task.blocking = &blocking_;
    task.taps = 1;
    task.depth = shape_.depth;
    task.depth_stride = shape_.a_depth_stride;
    task.first_tile = blocking_.first_tile(item.block);
    task.end_tile = blocking_.first_tile(item.block + 1);
    task.table = table;
    task.first = 0;
    task.a = static_cast<const float*>(arguments.a) + a_offset + first_row * shape_.a_row_stride;
    task.a_row_stride = shape_.a_row_stride;
    if (blocking_.copied_stride != 0) task.a = copied, task.a_row_stride = blocking_.copied_stride;
    task.panel = panel;
    task.vectors = static_cast<int>(panels_.width(item.panel));
    task.columns = panels_.columns_of(item.panel);
    task.origin = origin;
    task.origin.row = first_row;
    task.origin.column = panels_.first_column(item.panel);
    task.c = static_cast<std::byte*>(arguments.c) +
             (c_offset + first_row * shape_.c_row_stride + task.origin.column) * element_bytes_;
    task.c_row_stride = shape_.c_row_stride;
    task.epilogue = &arguments.epilogue;
    if (shape_.packed_b) {
      const std::int64_t elements = shape_.depth * task.vectors * panels_.lanes;
      task.prefetch = blocking_.prefetched(item.block, elements, i - begin < panels_.count);
    }
    task.accumulators = reinterpret_cast<float*>(memory + accumulators_at_);
    compute_block(task);
  }
}

bool multiplied_in_bf16(const PackedMatrix& b) { return b.dtype == DType::bf16 || b.in_parts; }

}  // namespace

std::size_t packed_bytes(const PackedMatrix& b, base::Isa isa) {
  if (multiplied_in_bf16(b)) return round_up(static_cast<std::size_t>(bf16_panels(b).bytes()));
  if (b.strassen) return round_up(strassen_panels(b, tile_kernels(isa)).elements() * sizeof(float));
  return round_up(make_panels(b.columns, tile_kernels(isa)).elements(b.depth) * sizeof(float));
}

std::string packed_format(const PackedMatrix& b, base::Isa isa) {
  if (multiplied_in_bf16(b)) return std::string(bf16_packed_format(b.in_parts));
  const TileKernels& kernels = tile_kernels(isa);
  return fmt::format("f32_{}{}", b.strassen ? "strassen" : "panel", kernels.lanes * kernels.max_vectors);
}

void pack(const PackedMatrix& b, base::Isa isa, const float* source, std::int64_t depth_stride,
          std::int64_t column_stride, void* packed) {
  pack(b, isa, source, depth_stride, column_stride, packed, 0, packing_items(b, isa));
}

std::int64_t packing_items(const PackedMatrix& b, base::Isa isa) {
  if (b.strassen) return strassen_panels(b, tile_kernels(isa)).halves.count;
  return multiplied_in_bf16(b) ? bf16_panels(b).count : make_panels(b.columns, tile_kernels(isa)).count;
}

void pack(const PackedMatrix& b, base::Isa isa, const float* source, std::int64_t depth_stride,
          std::int64_t column_stride, void* packed, std::int64_t begin, std::int64_t end) {
  if (multiplied_in_bf16(b)) {
    const Bf16Panels panels = bf16_panels(b);
    for (std::int64_t panel = begin; panel < end; ++panel)
      pack_bf16_panel(panels, panel, Bf16Source::matrix(source, false, b.depth, depth_stride, column_stride),
                      static_cast<std::byte*>(packed) + panels.offset(panel));
    return;
  }
  if (b.strassen) {
    const StrassenPanels panels = strassen_panels(b, tile_kernels(isa));
    for (std::int64_t pair = begin; pair < end; ++pair)
      pack_strassen_pair(panels, pair, source, depth_stride, column_stride,
                         static_cast<float*>(packed) + panels.offset(pair));
    return;
  }
  const Panels panels = make_panels(b.columns, tile_kernels(isa));
  for (std::int64_t panel = begin; panel < end; ++panel)
    pack_panel(panels, panel, source, depth_stride, column_stride, 0, b.depth,
               static_cast<float*>(packed) + panels.offset(panel, b.depth));
}

bool applies(const MatmulShape& shape, base::Isa isa) {
  const bool constant_b = shape.dtype == DType::f32 && shape.packed_b && shape.a_depth_stride == 1;
  if (shape.in_parts) return constant_b && !shape.strassen && shape.depth >= 1 && multiplies_parts(isa);
  if (!shape.strassen) return true;
  return constant_b && strassen_halves(isa, shape.depth, shape.columns);
}

std::unique_ptr<const Matmul> make_matmul(const MatmulShape& shape, base::Isa isa, int threads, const Choice& choice) {
  WHERRY_CHECK(shape.rows >= 0 && shape.depth >= 0 && shape.columns >= 0);
  WHERRY_CHECK(threads >= 1 && applies(shape, isa));
  if (shape.dtype == DType::bf16 || shape.in_parts) return make_bf16_matmul(shape, isa, threads, choice);
  if (shape.strassen) return make_strassen_matmul(shape, isa, threads);
  return std::make_unique<TiledMatmul>(shape, isa, threads, choice);
}

}  // namespace wherry::kernels
