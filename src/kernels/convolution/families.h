#pragma once
// Which family of kernels a convolution belongs to, and how each family packs its weights. Both follow from the weights
// and the instruction set alone, so packed weights serve every shape.

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/window_kernels.h"
#include "kernels/matmul/bf16_panels.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/panels.h"

namespace wherry::kernels {

enum class ConvolutionFamily : std::uint8_t {
  implicit_matmul,  ///< [group][panel][kh][kw][c][panel width]
  depthwise,        ///< [kh][kw][C rounded up to vectors]
  grouped,          ///< [vector of outputs][kh][kw][c of a group][lanes]
  bf16_matmul,      ///< Bf16Panels, group by group
  strassen,         ///< StrassenPanels
  winograd,         ///< [panel][frequency][c][panel width]
  bf16_depthwise,   ///< fp32: [32 channels][kh][kw][32], see bf16_depthwise.h
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
std::unique_ptr<const Convolution> make_strassen_convolution(const ConvolutionShape& shape, base::Isa isa, int threads);
/// 1×1, of one group, whose pixels lie one stride apart, and of as many channels as Strassen's algorithm wants.
bool strassen_allowed(const ConvolutionShape& shape, base::Isa isa);
/// The weights as the matrix [C, O] that they are.
PackedMatrix strassen_matrix(const ConvolutionWeights& weights);
Bf16Panels bf16_panels(const ConvolutionWeights& weights);
std::unique_ptr<const Convolution> make_bf16_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                         const Choice& choice);
/// 3×3, stride and dilation 1, one group; weights.winograd says which tile. bf16 images where an instruction set for
/// their transforms is.
std::unique_ptr<const Convolution> make_winograd_convolution(const ConvolutionShape& shape, base::Isa isa, int threads);
/// Whether the formula holds for the shape, whatever weights.winograd says.
bool winograd_allowed(const ConvolutionShape& shape, base::Isa isa);
std::int64_t winograd_elements(const ConvolutionWeights& weights, base::Isa isa);
/// Panels [begin, end) of the filters' transforms.
void pack_winograd(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
                   float* packed, std::int64_t begin, std::int64_t end);
std::unique_ptr<const Convolution> make_bf16_depthwise(const ConvolutionShape& shape, base::Isa isa, int threads);
/// Depthwise in fp32, or grouped.
std::unique_ptr<const Convolution> make_window_convolution(const ConvolutionShape& shape, base::Isa isa, int threads);

}  // namespace wherry::kernels
