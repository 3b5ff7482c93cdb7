// Matrix products: fold batch dimensions into rows where the operands allow, pack a constant right-hand side, address
// the epilogue's operands.

#include "kernels/matmul/matmul.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/checked_math.h"
#include "runtime/lowering.h"
#include "runtime/memory_plan.h"
#include "runtime/steps/epilogue.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

using kernels::BatchSizes;

class MatmulStep final : public Step {
 public:
  struct Parts {
    std::shared_ptr<const kernels::Matmul> kernel;
    Slot a, b, c, scratch;
    const std::byte* packed = nullptr;  // or b
    std::int64_t scratch_bytes = 0;     // a thread
    EpilogueRun epilogue;
    BatchSizes residual_batch_strides = {};
    std::vector<BatchSizes> operand_batch_strides;
  };

  MatmulStep(Parts parts, int threads) : parts_(std::move(parts)), items_(parts_.kernel->items()) {
    max_threads_ = threads;
  }

  void run(const RunContext& context, int thread, int threads) const noexcept override {
    const auto [begin, end] = part_of(items_, thread, threads);
    if (begin >= end) return;
    std::array<kernels::TileOperand, kMaxEpilogueOperands> tiles;
    kernels::MatmulArguments arguments;
    arguments.a = context.at<const void>(parts_.a);
    arguments.b = parts_.packed != nullptr ? static_cast<const void*>(parts_.packed) : context.at<const void>(parts_.b);
    arguments.c = context.at<void>(parts_.c);
    arguments.next = context.next_weights;
    arguments.epilogue = parts_.epilogue.bind(context, tiles.data(), [](const RowOperand&) { return std::int64_t{0}; });
    arguments.residual_batch_strides = parts_.residual_batch_strides;
    if (!parts_.operand_batch_strides.empty()) arguments.operand_batch_strides = parts_.operand_batch_strides.data();
    parts_.kernel->run(arguments, begin, end, context.at<std::byte>(parts_.scratch) + thread * parts_.scratch_bytes);
  }

  const void* first_weights(int thread, int threads) const noexcept override {
    const auto [begin, end] = part_of(items_, thread, threads);
    if (begin >= end || parts_.packed == nullptr) return nullptr;
    return parts_.packed + parts_.kernel->weight_offset(begin % items_);
  }

  std::vector<kernels::Choice> candidates() const override { return parts_.kernel->candidates(); }

 private:
  Parts parts_;
  std::int64_t items_;
};

/// The loops around depth and columns: rows innermost, then batch dimensions outwards, with every operand's stride in
/// each. Operand 0 is a, 1 b, 2 c, the rest are the epilogue's.
struct Loops {
  Dims sizes;                 // rows first
  std::vector<Dims> strides;  // by operand
};

/// All dimensions but the last of c, neighbours merged where every operand steps through them evenly.
Loops merge_loops(const Dims& sizes, const std::vector<Dims>& strides) {
  Loops loops;
  loops.strides.resize(strides.size());
  for (std::size_t d = sizes.size(); d-- > 0;) {
    // b is not indexed by rows, so it allows merging a batch dimension into them where it does not move either.
    bool merges = !loops.sizes.empty();
    for (std::size_t k = 0; merges && k < strides.size(); ++k) {
      merges = strides[k][d] == loops.strides[k].back() * loops.sizes.back();
    }
    const bool unit = sizes[d] == 1;
    const bool previous_unit = !loops.sizes.empty() && loops.sizes.back() == 1;
    const bool rows_fixed_b = loops.sizes.size() != 1 || strides[1][d] == 0;
    if (unit && !loops.sizes.empty()) continue;
    if (previous_unit && rows_fixed_b) {  // a single row: this dimension becomes the rows
      loops.sizes.back() = sizes[d];
      for (std::size_t k = 0; k < strides.size(); ++k) loops.strides[k].back() = strides[k][d];
    } else if (merges) {
      loops.sizes.back() *= sizes[d];
    } else {
      loops.sizes.push_back(sizes[d]);
      for (std::size_t k = 0; k < strides.size(); ++k) loops.strides[k].push_back(strides[k][d]);
    }
  }
  return loops;
}

BatchSizes batch_strides(const Dims& loop_strides) {
  BatchSizes strides = {};
  for (std::size_t i = 1; i < loop_strides.size(); ++i) strides[i - 1] = loop_strides[i];
  return strides;
}

/// Strides of all dimensions of c but the last two (batch), then of the rows: 0 where the operand repeats.
Dims outer_strides(const Operand& operand, const Dims& c_sizes, std::int64_t row_stride) {
  Dims sizes(operand.sizes.begin(), operand.sizes.end() - 2);
  Dims strides(operand.strides.begin(), operand.strides.end() - 2);
  Dims all = broadcast_strides(sizes, strides, Dims(c_sizes.begin(), c_sizes.end() - 2));
  all.push_back(row_stride);
  return all;
}

bool packs(const ir::Value& b) {
  const Dims& sizes = b.type().sizes;
  return b.is_constant() && std::all_of(sizes.begin(), sizes.end() - 2, [](std::int64_t size) { return size == 1; });
}

std::string packing_name(const ir::Value* b, const kernels::PackedMatrix& matrix, const Lowering& lowering) {
  const base::Isa isa = lowering.isa_for(matrix.dtype, matrix.in_parts);
  return fmt::format("{} {}", kernels::packed_format(matrix, isa), to_string(b->type().sizes));
}

kernels::PackedMatrix packed_matrix(const kernels::MatmulShape& shape) {
  return {shape.depth, shape.columns, shape.dtype, shape.in_parts, shape.strassen};
}

/// How `rows` rows are multiplied by the constant b: the way that is expected to be fastest, unless b is held for
/// another only.
void choose_algorithm(kernels::MatmulShape& shape, std::int64_t rows, const ir::Value* b, const Lowering& lowering) {
  const Algorithms& allowed = lowering.algorithms();
  kernels::MatmulShape in_parts = shape, strassen = shape;
  in_parts.in_parts = true;
  strassen.strassen = true;
  const auto may = [&](bool is_allowed, const kernels::MatmulShape& way) {
    return is_allowed && kernels::applies(way, lowering.isa_for(way.dtype, way.in_parts));
  };
  std::vector<kernels::MatmulShape> ways{shape};  // the fastest first
  const auto add = [&](const kernels::MatmulShape& way, bool is_faster) {
    ways.insert(is_faster ? ways.begin() : ways.end(), way);
  };
  if (may(allowed.strassen, strassen))
    add(strassen, kernels::prefers_strassen(lowering.isa(), rows, shape.depth, shape.columns));
  if (may(allowed.linear_parts, in_parts))
    add(in_parts, lowering.takes_apart(shape.dtype, rows, shape.depth, shape.columns));
  shape = lowering.first_at_hand(
      b, ways, [&](const kernels::MatmulShape& way) { return packing_name(b, packed_matrix(way), lowering); });
}

const std::byte* pack_weights(const ir::Value* b, const kernels::PackedMatrix& matrix, Lowering& lowering) {
  const base::Isa isa = lowering.isa_for(matrix.dtype, matrix.in_parts);
  return lowering.pack(
      b, {packing_name(b, matrix, lowering), kernels::packed_bytes(matrix, isa), kernels::packing_items(matrix, isa),
          [matrix, isa](const Tensor& tensor, std::byte* packed, std::int64_t begin, std::int64_t end) {
            const std::size_t rank = tensor.sizes().size();
            kernels::pack(matrix, isa, static_cast<const float*>(tensor.data()), tensor.strides()[rank - 2],
                          tensor.strides()[rank - 1], packed, begin, end);
          }});
}

}  // namespace

void lower_matmul(const ir::Node& node, Lowering& lowering) {
  require_product_dtypes(node);
  const Operand result = lowering.result(node);
  Operand a = lowering.operand(node.input(0));
  // bf16 tiles take pairs of neighbours in depth.
  if (a.dtype == DType::bf16 && a.sizes.back() > 1 && a.strides.back() != 1)
    a = lowering.with_strides(a, contiguous_strides(a.sizes), node);
  const ir::Value* b_value = node.input(1);
  const bool packed = packs(*b_value);
  const std::size_t rank = result.sizes.size();

  // Where the result's columns do not lie side by side, or its epilogue is too wide, it is made in scratch first.
  const bool fused = (result.sizes[rank - 1] == 1 || result.strides[rank - 1] == 1) &&
                     epilogue_operands(node).size() <= kMaxEpilogueOperands;
  Operand c = result;
  if (!fused) {
    c.dtype = DType::f32;
    c.strides = contiguous_strides(c.sizes);
    c.slot = lowering.scratch(c.numel() * static_cast<std::int64_t>(sizeof(float)));
  }

  kernels::MatmulShape shape;
  shape.depth = a.sizes[a.sizes.size() - 1];
  shape.columns = c.sizes[rank - 1];
  shape.a_depth_stride = a.strides[a.strides.size() - 1];
  shape.packed_b = packed;
  shape.c_dtype = c.dtype;
  shape.dtype = a.dtype;

  std::vector<Dims> strides{outer_strides(a, c.sizes, a.strides[a.strides.size() - 2])};
  MatmulStep::Parts parts;
  if (packed) choose_algorithm(shape, c.numel() / std::max<std::int64_t>(shape.columns, 1), b_value, lowering);
  const kernels::PackedMatrix matrix = packed_matrix(shape);
  const base::Isa isa = lowering.isa_for(shape.dtype, shape.in_parts);
  if (packed) {
    parts.packed = pack_weights(b_value, matrix, lowering);
    strides.push_back(Dims(rank - 1, 0));
  } else {
    const Operand b = lowering.operand(b_value);
    parts.b = b.slot;
    shape.b_depth_stride = b.strides[b.strides.size() - 2];
    shape.b_column_stride = b.strides[b.strides.size() - 1];
    strides.push_back(outer_strides(b, c.sizes, 0));
  }
  strides.push_back(Dims(c.strides.begin(), c.strides.end() - 1));
  std::vector<RowOperand> rows;
  if (fused) {
    for (const ir::Value* value : epilogue_operands(node)) {
      const Operand operand = lowering.operand(value);
      const Dims all = broadcast_strides(operand.sizes, operand.strides, c.sizes);
      strides.push_back(Dims(all.begin(), all.end() - 1));
      rows.push_back({operand.slot, operand.dtype, 0, all.back(), {}});
    }
  }

  const Loops loops = merge_loops(Dims(c.sizes.begin(), c.sizes.end() - 1), strides);
  if (loops.sizes.size() > 1 + kernels::kMaxBatchDims) {
    unsupported(node, fmt::format("{} batch dimensions that cannot be merged; wherry takes {}", loops.sizes.size() - 1,
                                  kernels::kMaxBatchDims));
  }
  shape.rows = loops.sizes[0];
  shape.a_row_stride = loops.strides[0][0];
  shape.c_row_stride = loops.strides[2][0];
  for (std::size_t i = 1; i < loops.sizes.size(); ++i) shape.batch[i - 1] = loops.sizes[i];
  shape.a_batch_strides = batch_strides(loops.strides[0]);
  shape.b_batch_strides = batch_strides(loops.strides[1]);
  shape.c_batch_strides = batch_strides(loops.strides[2]);
  if (fused) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].row_stride = loops.strides[3 + i][0];
      rows[i].batch_strides = Dims(loops.strides[3 + i].begin() + 1, loops.strides[3 + i].end());
    }
    parts.epilogue = make_epilogue(node, rows, lowering, product_dtype(node) == DType::bf16);
    const auto moves = [](const Dims& from) {
      BatchSizes to = {};
      std::copy(from.begin(), from.end(), to.begin());
      return to;
    };
    if (parts.epilogue.residual) parts.residual_batch_strides = moves(parts.epilogue.residual->batch_strides);
    for (const RowOperand& operand : parts.epilogue.operands) {
      parts.operand_batch_strides.push_back(moves(operand.batch_strides));
    }
  } else if (node.input(2) != nullptr) {
    parts.epilogue.bias = lowering.operand(node.input(2)).slot;
  }

  const std::int64_t flops = 2 * c.numel() * shape.depth;
  const std::int64_t weight_bytes = packed ? static_cast<std::int64_t>(kernels::packed_bytes(matrix, isa)) : 0;
  int threads = std::min(lowering.threads(),
                         useful_threads(flops_cost(flops, a.dtype), weight_bytes + 4 * (c.numel() + a.numel()), flops));
  parts.kernel = lowering.tuned_primitive(primitive_key(shape, isa, threads), [&](const kernels::Choice& choice) {
    return kernels::make_matmul(shape, isa, threads, choice);
  });
  threads = static_cast<int>(std::clamp<std::int64_t>(parts.kernel->items(), 1, threads));
  parts.a = a.slot;
  parts.c = c.slot;
  parts.scratch_bytes = base::round_up(static_cast<std::int64_t>(parts.kernel->scratch_bytes()), kAlignment);
  parts.scratch = lowering.scratch(threads * parts.scratch_bytes);
  const std::string name = std::string(parts.kernel->name()) + epilogue_name(parts.epilogue);
  lowering.add(std::make_unique<MatmulStep>(std::move(parts), threads), node, {name, flops, weight_bytes});
  if (fused) return;
  if (node.has("epilogue")) {
    lower_separate_epilogue(node, c, lowering);
  } else {
    lower_separate_cast(node, c, lowering);
  }
}

}  // namespace wherry::runtime
