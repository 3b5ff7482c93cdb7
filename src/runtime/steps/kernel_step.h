#pragma once
// The step that most ops become: one kernel whose items are dealt to the threads in equal runs.

#include <memory>
#include <utility>

#include "runtime/step.h"

namespace wherry::runtime {

template <typename Kernel, typename Run>
class KernelStep final : public Step {
 public:
  KernelStep(std::shared_ptr<const Kernel> kernel, int threads, Run run)
      : kernel_(std::move(kernel)), run_(std::move(run)), items_(kernel_->items()) {
    max_threads_ = threads;
  }

  void run(const RunContext& context, int thread, int threads) const noexcept override {
    const auto [begin, end] = part_of(items_, thread, threads);
    if (begin < end) run_(*kernel_, context, begin, end, thread);
  }

 private:
  std::shared_ptr<const Kernel> kernel_;
  Run run_;
  std::int64_t items_;
};

/// `run(kernel, context, begin, end, thread)` computes items [begin, end) of the kernel.
template <typename Kernel, typename Run>
std::unique_ptr<Step> kernel_step(std::shared_ptr<const Kernel> kernel, int threads, Run run) {
  return std::make_unique<KernelStep<Kernel, Run>>(std::move(kernel), threads, std::move(run));
}

}  // namespace wherry::runtime
