#pragma once
// Which family of kernels a convolution belongs to, and how each family packs its weights. Both follow from the weights
// and the instruction set alone, so packed weights serve every shape.

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/window_kernels.h"
#include "kernels/matmul/bf16_panels.h"
#include "kernels/matmul/panels.h"

namespace wherry::kernels {

enum class ConvolutionFamily : std::uint8_t {
  implicit_matmul,  ///< [group][panel][kh][kw][c][panel width]
  depthwise,        ///< [kh][kw][C rounded up to vectors]
  grouped,          ///< [vector of outputs][kh][kw][c of a group][lanes]
  bf16_matmul,      ///< Bf16Panels, group by group
};

ConvolutionFamily family_of(const ConvolutionWeights& weights, base::Isa isa);

/// How output channels of small groups fill vectors.
struct GroupedVectors {
  std::int64_t groups_per_vector;
  std::int64_t vector_inputs;   ///< input channels that a vector of outputs reads
  std::int64_t vector_outputs;  ///< output channels in a vector
  std::int64_t count;
};
GroupedVectors grouped_vectors(const ConvolutionWeights& weights, std::int64_t lanes);

std::unique_ptr<const Convolution> make_implicit_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                             const Choice& choice);
Bf16Panels bf16_panels(const ConvolutionWeights& weights);
std::unique_ptr<const Convolution> make_bf16_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                         const Choice& choice);
/// Depthwise or grouped.
std::unique_ptr<const Convolution> make_window_convolution(const ConvolutionShape& shape, base::Isa isa, int threads);

}  // namespace wherry::kernels
