// counted_inference MODEL --sizes 1,3,224,224 [--precision bf16] [--threads N]
// One inference between two marks, for benchmarks/graviton-model to count its instructions in an emulator, and its plan
// as JSON. On a real machine, --seconds S times inferences for so long instead.

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/inputs.h"
#include "bench/latency.h"
#include "program.h"
#include "wherry/model.h"

namespace {

using Json = nlohmann::json;

/// What benchmarks/graviton-model/emulated/block_counts.c looks for among the system calls; there is no such priority.
void mark() { ::syscall(SYS_getpriority, 0x77686572, 0); }

std::vector<wherry::Tensor> inputs_of(const wherry::Model& model, const wherry::Dims& sizes) {
  std::vector<wherry::TensorInfo> inputs = model.describe().inputs;
  std::erase_if(inputs, [](const wherry::TensorInfo& input) { return input.optional; });
  for (wherry::TensorInfo& input : inputs) {
    input.sizes = sizes;
    if (!input.dtype) input.dtype = wherry::DType::f32;
  }
  return wherry::bench::random_inputs(inputs);
}

Json json_of(const wherry::PlanInfo& plan) {
  Json steps = Json::array();
  for (const wherry::StepInfo& step : plan.steps)
    steps.push_back({{"op", step.op},
                     {"kernel", step.kernel},
                     {"precision", step.precision},
                     {"shape", step.shape},
                     {"flops", step.flops},
                     {"weight_bytes", step.weight_bytes},
                     {"output_bytes", step.output_bytes}});
  return {{"isa", plan.isa}, {"precision", plan.precision}, {"note", plan.precision_note}, {"steps", std::move(steps)}};
}

int run(int argc, char** argv) {
  std::string path, precision = "fp32";
  wherry::Options options;
  options.threads = 1;
  wherry::Dims sizes;
  double seconds = 0;
  CLI::App app("Runs one inference, for an emulator to count");
  app.add_option("model", path, "TorchScript file or Hugging Face folder")->required();
  app.add_option("--sizes", sizes, "Of every input")->required()->delimiter(',');
  app.add_option("--precision", precision)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--threads", options.threads);
  app.add_option("--seconds", seconds, "Time inferences for so long");
  CLI11_PARSE(app, argc, argv);
  options.precision = *wherry::precision_from_name(precision);
  const wherry::Model model = wherry::Model::load(path, options);
  const std::vector<wherry::Tensor> inputs = inputs_of(model, sizes);
  Json json = json_of(model.inspect(inputs));
  if (seconds > 0) {
    json["min_ms"] = wherry::bench::measure(model, inputs, {.iterations = 5, .seconds = seconds}).least();
  } else {
    mark();
    model.run(inputs);
    mark();
  }
  fmt::print("{}\n", json.dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return wherry::benchmarks::run_program("counted_inference", run, argc, argv); }
