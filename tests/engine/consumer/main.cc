// Runs a model through nothing but the installed headers and libraries: consumer MODEL prints the first output's sizes.

#include <cstdio>
#include <vector>

#include "wherry/error.h"
#include "wherry/model.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const wherry::Model model = wherry::Model::load(argv[1]);
    const std::vector<wherry::Tensor> inputs{wherry::Tensor::zeros(wherry::DType::f32, {1, 3, 20, 18})};
    const std::vector<wherry::Tensor> outputs = model.run(inputs);
    std::printf("%s: %s %s\n", model.describe().format.c_str(), model.output_names(inputs)[0].c_str(),
                wherry::to_string(outputs[0].sizes()).c_str());
  } catch (const wherry::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  return 0;
}
