// latency MODEL [--arch NAME] [--input 1x3x224x224] [--threads N] [--seconds S]
// Times single inferences and prints one JSON line: what the comparisons in this folder run, side by side with peers.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <sstream>

#include "wherry/error.h"
#include "wherry/model.h"

namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

wherry::Dims parse_shape(const std::string& text) {
  wherry::Dims sizes;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, 'x');) sizes.push_back(std::stoll(word));
  return sizes;
}

int run(int argc, char** argv) {
  std::string path, shape = "1x3x224x224";
  wherry::Options options;
  double seconds = 6;
  CLI::App app("Times single inferences of a model");
  app.add_option("model", path)->required();
  app.add_option("--arch", options.arch);
  app.add_option("--input", shape);
  app.add_option("--threads", options.threads);
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);

  const auto start = std::chrono::steady_clock::now();
  const wherry::Model model = wherry::Model::load(path, options);
  wherry::Tensor input = wherry::Tensor::empty(wherry::DType::f32, parse_shape(shape));
  std::uint32_t state = 1;
  for (float& value : input.mutable_values<float>()) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-24f;
  }
  const std::span<const wherry::Tensor> inputs(&input, 1);
  model.run(inputs);
  const double first = milliseconds_since(start);
  for (int i = 0; i < 10; ++i) model.run(inputs);

  std::vector<double> times;
  const auto begin = std::chrono::steady_clock::now();
  while (times.size() < 20 || (milliseconds_since(begin) < seconds * 1e3 && times.size() < 20000)) {
    const auto at = std::chrono::steady_clock::now();
    model.run(inputs);
    times.push_back(milliseconds_since(at));
  }
  std::sort(times.begin(), times.end());
  auto quantile = [&](double q) {
    return times[std::min(times.size() - 1, static_cast<std::size_t>(static_cast<double>(times.size()) * q))];
  };
  const nlohmann::ordered_json line = {
      {"engine", "wherry"},      {"threads", options.threads}, {"runs", times.size()},     {"min_ms", times.front()},
      {"p50_ms", quantile(0.5)}, {"p90_ms", quantile(0.9)},    {"p99_ms", quantile(0.99)}, {"first_answer_ms", first}};
  std::printf("%s\n", line.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "latency: %s\n", error.what());
    return 2;
  }
}
