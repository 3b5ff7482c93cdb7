#pragma once
// Pictures in, ranked classes out: preprocessing, one run of the model, softmax.

#include <span>
#include <string>
#include <vector>

#include "tasks/top_classes.h"
#include "vision/preprocess.h"
#include "wherry/model.h"

namespace wherry::tasks {

struct Classification {
  std::vector<ClassScore> top;
  std::int64_t class_count = 0;  ///< how many classes the model knows
};

using vision::Interpolation;
using vision::Preprocessing;

class ImageClassifier {
 public:
  /// Loads the model at `path`. Throws InvalidInput where the preprocessing makes no sense (before anything is loaded)
  /// or the model does not take exactly one input, and what Model::load throws.
  ImageClassifier(const std::string& path, const Options& options, const Preprocessing& preprocessing);

  const Model& model() const { return model_; }

  /// The model's input for the JPEG or PNG file at `path`, float32 [1, 3, crop, crop]. Throws InvalidInput.
  Tensor prepare(const std::string& path) const;

  /// The `top` most probable classes of each prepared picture, in order, by one run of the model on all of them.
  /// Throws InvalidModel where the model's first output is not floating [pictures, classes] ([…, 1, 1] is taken too)
  /// or is not finite.
  std::vector<Classification> classify(std::span<const Tensor> prepared, std::size_t top) const;

 private:
  std::string name_;  ///< the model's file, for messages
  Preprocessing preprocessing_;
  Model model_;
};

}  // namespace wherry::tasks
