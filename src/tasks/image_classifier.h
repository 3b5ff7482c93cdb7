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

class ImageClassifier {
 public:
  /// `name` is the model's file, for messages. Throws InvalidInput where the model does not take exactly one input or
  /// the preprocessing makes no sense.
  ImageClassifier(Model model, std::string name, const vision::Preprocessing& preprocessing);

  /// The model's input for one picture, float32 [1, 3, crop, crop].
  Tensor prepare(const vision::Image& image) const { return vision::preprocess(image, preprocessing_); }

  /// The `top` most probable classes of each prepared picture, in order, by one run of the model on all of them.
  /// Throws InvalidModel where the model's first output is not floating [pictures, classes] ([…, 1, 1] is taken too)
  /// or is not finite.
  std::vector<Classification> classify(std::span<const Tensor> prepared, std::size_t top) const;

  const Model& model() const { return model_; }

 private:
  Model model_;
  std::string name_;
  vision::Preprocessing preprocessing_;
};

}  // namespace wherry::tasks
