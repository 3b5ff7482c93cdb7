// The arena is shared by all steps, so a halo is zeroed each time before its image is written: a few kilobytes.

#include "runtime/halo.h"

#include <algorithm>
#include <cstring>

#include "kernels/convolution/convolution.h"
#include "runtime/lowering.h"
#include "runtime/steps/convolution_shape.h"

namespace wherry::runtime {
namespace {

/// What a convolution would read beyond the image.
Halo padding_of(const ir::Node& convolution) {
  const Dims& padding = convolution.integers("padding");
  return {padding[0], padding[1], padding[2], padding[3]};
}

bool uses_halo(const ir::Node& node) {
  const Dims& stride = node.integers("stride");
  const kernels::ConvolutionWeights weights = weights_of(node, DType::bf16);
  // Wide rows are read line by line whatever the stride.
  constexpr std::int64_t kWide = 16;
  const bool flat = stride[0] == 1 && stride[1] == 1;
  return (flat || node.output()->type().sizes[3] >= kWide) && padding_of(node).any() && kernels::reads_halo(weights);
}

class HaloStep final : public Step {
 public:
  HaloStep(std::unique_ptr<Step> step, const ir::TensorType& type, const Place& place) : step_(std::move(step)) {
    max_threads_ = step_->max_threads();
    const auto element = static_cast<std::int64_t>(size_of(type.dtype));
    slot_ = place.slot;
    const std::int64_t phases = place.stride_phase == 0 ? 1 : 2;
    images_ = phases * phases * type.sizes[0], rows_ = type.sizes[2] / phases;
    pixel_bytes_ = place.strides[3] * element;
    row_bytes_ = place.strides[2] * element;
    image_bytes_ = place.strides[0] * element;
    width_bytes_ = type.sizes[3] / phases * pixel_bytes_;
    before_ = place.halo.top * row_bytes_ + place.halo.left * pixel_bytes_;
    after_ = place.halo.bottom * row_bytes_ + place.halo.right * pixel_bytes_;
  }

  void run(const RunContext& context, int thread, int threads) const noexcept override {
    std::byte* const image = context.at<std::byte>(slot_);
    const auto [begin, end] = part_of(images_ * rows_, thread, threads);
    if (thread == 0) std::memset(image - before_, 0, static_cast<std::size_t>(before_));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t n = i / rows_, h = i % rows_;
      std::byte* const gap = image + n * image_bytes_ + h * row_bytes_ + width_bytes_;
      // After the last row of an image comes what it shares with the next one, or the end.
      std::int64_t bytes = row_bytes_ - width_bytes_;
      if (h == rows_ - 1) bytes = n == images_ - 1 ? after_ : image_bytes_ - (rows_ - 1) * row_bytes_ - width_bytes_;
      std::memset(gap, 0, static_cast<std::size_t>(bytes));
    }
    step_->run(context, thread, threads);
  }

  const void* first_weights(int thread, int threads) const noexcept override {
    return step_->first_weights(thread, threads);
  }
  std::vector<kernels::Choice> candidates() const override { return step_->candidates(); }
  std::string failure() const override { return step_->failure(); }

 private:
  std::unique_ptr<Step> step_;
  Slot slot_;
  std::int64_t images_, rows_, pixel_bytes_, row_bytes_, image_bytes_, width_bytes_, before_, after_;
};

}  // namespace

Halo wanted_halo(const ir::Value& value) {
  Halo halo;
  if (value.type().dtype != DType::bf16 || value.type().sizes.size() != 4 || value.type().numel() == 0) return halo;
  for (const ir::Node* user : value.users()) {
    if (user->op() == "pool" || user->op() == "adaptive_pool") continue;
    if (user->op() != "convolution") return {};
    for (std::size_t i = 1; i < user->inputs().size(); ++i)
      if (user->input(i) == &value) return {};
    if (!uses_halo(*user)) continue;
    const Halo padding = padding_of(*user);
    halo.top = std::max(halo.top, padding.top), halo.bottom = std::max(halo.bottom, padding.bottom);
    halo.left = std::max(halo.left, padding.left), halo.right = std::max(halo.right, padding.right);
  }
  // More zeros than image: gathering is better.
  const Dims& sizes = value.type().sizes;
  return halo.top + halo.bottom > sizes[2] || halo.left + halo.right > sizes[3] ? Halo{} : halo;
}

std::optional<Halo> wanted_phases(const ir::Value& value) {
  const ir::TensorType& type = value.type();
  if (type.dtype != DType::bf16 || type.sizes.size() != 4 || value.users().size() != 1) return std::nullopt;
  const ir::Node *writer = value.producer(), *reader = value.users()[0];
  if (writer == nullptr || writer->op() != "convolution" || reader->op() != "convolution") return std::nullopt;
  // An epilogue with operands may need a step of its own, which knows nothing of phases.
  const auto& operands = writer->inputs();
  if (product_dtype(*writer) != DType::bf16 || !kernels::writes_phases(weights_of(*writer, DType::bf16)) ||
      operands.size() > 3)
    return std::nullopt;
  if (reader->input(0) != &value || !kernels::reads_phases(weights_of(*reader, DType::bf16))) return std::nullopt;
  if (reader->integers("stride") != Dims{2, 2} || reader->integers("dilation") != Dims{1, 1}) return std::nullopt;
  const std::int64_t height = type.sizes[2], width = type.sizes[3];
  const Dims& result = reader->output()->type().sizes;
  if (height % 2 != 0 || width % 2 != 0 || result[2] * result[3] < 16) return std::nullopt;
  // Tap i of result 0 reads row i - padding: of phase (i - padding) mod 2, row floor((i - padding) / 2).
  const Halo padding = padding_of(*reader);
  const Dims& weight = reader->input(1)->type().sizes;
  const auto after = [](std::int64_t taps, std::int64_t before, std::int64_t results, std::int64_t size) {
    const std::int64_t last = taps - 1 - before;
    return std::max<std::int64_t>(0, results - 1 + (last - (last & 1)) / 2 - (size / 2 - 1));
  };
  return Halo{(padding.top + 1) / 2, after(weight[2], padding.top, result[2], height), (padding.left + 1) / 2,
              after(weight[3], padding.left, result[3], width)};
}

std::unique_ptr<Step> with_halo(std::unique_ptr<Step> step, const ir::TensorType& type, const Place& place) {
  return std::make_unique<HaloStep>(std::move(step), type, place);
}

}  // namespace wherry::runtime
