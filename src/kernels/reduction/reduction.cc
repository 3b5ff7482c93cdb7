// Chooses the loops of a reduction: along rows, down columns, or element by element.

#include "kernels/reduction/reduction.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/elementwise/loop_order.h"
#include "kernels/reduction/fold.h"
#include "kernels/reduction/reduction_kernels.h"
#include "tensor/elements.h"

namespace wherry::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const ReductionKernels& kernels_for(base::Isa isa) {
  const ReductionKernels* best = &kReductionReference;
#define WHERRY_REDUCTION_KERNELS(set, table) \
  if (base::includes(isa, base::Isa::set)) best = &table;
#include "kernels/reduction/kernels.inc"
#undef WHERRY_REDUCTION_KERNELS
  return *best;
}

/// The dimensions that are (not) reduced, in as few loops as memory allows. Operand 0 of the kept loops is y, 1 is x;
/// the reduced loops have x alone.
LoopOrder loops_over(const ReductionShape& shape, bool reduced) {
  std::vector<std::int64_t> sizes, x, y;
  for (std::size_t d = 0; d < shape.sizes.size(); ++d) {
    if (shape.reduced[d] != reduced) continue;
    sizes.push_back(shape.sizes[d]);
    x.push_back(shape.x_strides[d]);
    y.push_back(shape.y_strides[d]);
  }
  if (!reduced) return order_loops(sizes, {y, x});
  const bool place = shape.mode == ReductionMode::argmax || shape.mode == ReductionMode::argmin;
  return place ? merge_loops(sizes, {x}) : order_loops(sizes, {x});
}

class LoopReduction final : public Reduction {
 public:
  LoopReduction(const ReductionShape& shape, base::Isa isa)
      : mode_(shape.mode),
        x_dtype_(shape.x_dtype),
        y_dtype_(shape.y_dtype),
        kernels_(kernels_for(isa)),
        kept_(loops_over(shape, false)),
        reduced_(loops_over(shape, true)) {
    WHERRY_CHECK_EQ(shape.reduced.size(), shape.sizes.size());
    WHERRY_CHECK_EQ(shape.x_strides.size(), shape.sizes.size());
    WHERRY_CHECK_EQ(shape.y_strides.size(), shape.sizes.size());
    count_ = reduced_.steps();
    items_ = kept_.steps();
    inner_ = reduced_.take_innermost();
    outer_steps_ = count_ == 0 ? 0 : reduced_.steps();
    const bool reads = x_dtype_ == DType::f32 ? mode_ <= ReductionMode::min : x_dtype_ == DType::bf16 && is_sum();
    const bool fast = reads && y_dtype_ == DType::f32 && count_ > 0;
    if (fast && inner_.strides[0] == 1) {
      kind_ = Kind::rows;
    } else if (fast && kept_.rank() > 0 && kept_.strides[0].back() == 1 && kept_.strides[1].back() == 1) {
      kind_ = Kind::columns;
      columns_ = kept_.take_innermost().size;
      column_blocks_ = base::ceil_div(columns_, kReductionColumns);
      items_ = kept_.steps() * column_blocks_;
    }
    const char* const names[] = {"reduction_", "reduction_rows_", "reduction_columns_"};
    name_ =
        names[static_cast<int>(kind_)] + std::string(base::name_of(kind_ == Kind::elements ? base::Isa::scalar : isa));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return items_; }

  void run(const void* x, void* y, std::int64_t begin, std::int64_t end) const noexcept override {
    for (std::int64_t item = begin; item < end; ++item) switch (kind_) {
        case Kind::rows:
          static_cast<float*>(y)[kept_.offset(0, item)] =
              x_dtype_ == DType::bf16 ? sum_row(static_cast<const std::uint16_t*>(x) + kept_.offset(1, item))
                                      : reduce_row(static_cast<const float*>(x) + kept_.offset(1, item));
          break;
        case Kind::columns:
          if (x_dtype_ == DType::bf16)
            sum_columns(static_cast<const std::uint16_t*>(x), static_cast<float*>(y), item);
          else
            reduce_columns(static_cast<const float*>(x), static_cast<float*>(y), item);
          break;
        case Kind::elements:
          if (is_floating(x_dtype_) || mode_ == ReductionMode::mean)
            reduce_element<double>(x, y, item);
          else
            reduce_element<std::int64_t>(x, y, item);
          break;
      }
  }

 private:
  enum class Kind { elements, rows, columns };

  bool is_sum() const { return mode_ == ReductionMode::sum || mode_ == ReductionMode::mean; }
  double divisor() const { return mode_ == ReductionMode::mean ? static_cast<double>(count_) : 1.0; }

  /// The table's sums by type of x.
  auto row_kernel(const float*) const { return kernels_.sum_row; }
  auto row_kernel(const std::uint16_t*) const { return kernels_.sum_row_bf16; }
  auto columns_kernel(const float*) const { return kernels_.sum_columns; }
  auto columns_kernel(const std::uint16_t*) const { return kernels_.sum_columns_bf16; }

  template <typename T>
  float sum_row(const T* x) const {
    double sum = 0;
    for (std::int64_t step = 0; step < outer_steps_; ++step)
      sum += row_kernel(x)(x + reduced_.offset(0, step), inner_.size);
    return static_cast<float>(sum / divisor());
  }

  float reduce_row(const float* x) const {
    if (is_sum()) return sum_row(x);
    const bool max = mode_ == ReductionMode::max;
    float value = max ? -kInfinity : kInfinity;
    for (std::int64_t step = 0; step < outer_steps_; ++step)
      value = (max ? kernels_.max_row : kernels_.min_row)(value, x + reduced_.offset(0, step), inner_.size);
    return value;
  }

  /// Moves x and y to the item's first column and returns how many it has.
  template <typename T>
  std::int64_t find_columns(std::int64_t item, const T*& x, float*& y) const {
    const std::int64_t column = item % column_blocks_ * kReductionColumns;
    x += kept_.offset(1, item / column_blocks_) + column;
    y += kept_.offset(0, item / column_blocks_) + column;
    return std::min(kReductionColumns, columns_ - column);
  }

  template <typename T>
  void sum_columns(const T* x, float* y, std::int64_t item) const {
    const std::int64_t columns = find_columns(item, x, y);
    std::array<double, kReductionColumns> sums{};
    for (std::int64_t step = 0; step < outer_steps_; ++step)
      columns_kernel(x)(sums.data(), x + reduced_.offset(0, step), inner_.strides[0], inner_.size, columns);
    for (std::int64_t j = 0; j < columns; ++j) y[j] = static_cast<float>(sums[static_cast<std::size_t>(j)] / divisor());
  }

  void reduce_columns(const float* x, float* y, std::int64_t item) const {
    if (is_sum()) return sum_columns(x, y, item);
    const std::int64_t columns = find_columns(item, x, y);
    const bool max = mode_ == ReductionMode::max;
    std::fill_n(y, columns, max ? -kInfinity : kInfinity);
    for (std::int64_t step = 0; step < outer_steps_; ++step)
      (max ? kernels_.max_columns : kernels_.min_columns)(y, x + reduced_.offset(0, step), inner_.strides[0],
                                                          inner_.size, columns);
  }

  template <typename T>
  void reduce_element(const void* x, void* y, std::int64_t item) const {
    Fold<T> fold(mode_);
    for (std::int64_t step = 0; step < outer_steps_; ++step) {
      const std::int64_t base = kept_.offset(1, item) + reduced_.offset(0, step);
      for (std::int64_t i = 0; i < inner_.size; ++i) {
        if constexpr (std::is_same_v<T, double>)
          fold.take(tensor::load_double(x, x_dtype_, base + i * inner_.strides[0]));
        else
          fold.take(tensor::load_int(x, x_dtype_, base + i * inner_.strides[0]));
      }
    }
    const std::int64_t at = kept_.offset(0, item);
    if (fold.is_place())
      tensor::store_int(y, y_dtype_, at, fold.place());
    else if constexpr (std::is_same_v<T, double>)
      tensor::store_double(y, y_dtype_, at, fold.value());
    else
      tensor::store_int(y, y_dtype_, at, fold.value());
  }

  ReductionMode mode_;
  DType x_dtype_, y_dtype_;
  const ReductionKernels& kernels_;
  LoopOrder kept_;     // operand 0 is y, 1 is x
  LoopOrder reduced_;  // without its innermost dimension
  LoopOrder::Dimension inner_;
  std::int64_t count_ = 0, outer_steps_ = 0, items_ = 0;
  std::int64_t columns_ = 0, column_blocks_ = 1;
  Kind kind_ = Kind::elements;
  std::string name_;
};

}  // namespace

std::optional<ReductionMode> reduction_mode_from_name(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {"sum",    "mean",   "max", "min", "prod",
                                                      "argmax", "argmin", "any", "all"};
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ReductionMode>(found - kNames.begin());
}

std::unique_ptr<const Reduction> make_reduction(const ReductionShape& shape, base::Isa isa) {
  return std::make_unique<LoopReduction>(shape, isa);
}

}  // namespace wherry::kernels
