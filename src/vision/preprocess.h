#pragma once
// torchvision's evaluation transform: shorter side to `resize`, centre crop, scale to [0, 1], normalise.

#include <array>

#include "vision/image.h"
#include "vision/resize.h"
#include "wherry/tensor.h"

namespace wherry::vision {

/// Defaults are those of torchvision's ImageNet weights (V1).
struct Preprocessing {
  int resize = 256;  ///< pixels of the shorter side
  int crop = 224;    ///< pixels of each side of the centre crop
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean = {0.485f, 0.456f, 0.406f};
  std::array<float, 3> std = {0.229f, 0.224f, 0.225f};
};

/// Throws InvalidInput unless sizes are in 1…8192, mean and std finite and std not 0.
void check(const Preprocessing& preprocessing);

/// The 8-bit picture that the model sees, [crop, crop]: resized, cropped in the middle, black where it is too small.
Image resize_and_crop(const Image& image, const Preprocessing& preprocessing);

/// (v / 255 − mean) / std of each pixel, float32 [3, H, W], written to `out` (3 × height × width floats).
void normalise(const Image& image, const Preprocessing& preprocessing, std::span<float> out);

/// All steps for one picture: float32 [1, 3, crop, crop].
Tensor preprocess(const Image& image, const Preprocessing& preprocessing);

}  // namespace wherry::vision
