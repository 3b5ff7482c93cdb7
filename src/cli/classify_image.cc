// wherry classify-image: a model, pictures, and what is in them.

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>

#include "base/check.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "tasks/image_classifier.h"
#include "tasks/labels.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry classify-image mobilenet_v2.pth --arch mobilenet_v2 photo.jpg
  wherry classify-image resnet50.pt *.jpg --top 1 --json
  wherry classify-image inception_v3.pt cat.png --resize 342 --crop 299
  wherry classify-image flowers.pt rose.jpg --labels flowers.txt

Pictures are JPEG or PNG, turned upright by their EXIF orientation. They are prepared as torchvision does for
evaluation: shorter side to --resize with antialiasing, centre crop, (x / 255 - mean) / std.)";

constexpr std::size_t kBarColumns = 20;

struct ClassifyOptions {
  CommonOptions common;
  std::vector<std::string> images;
  std::string labels;
  std::size_t top = 5;
  std::size_t batch = 1;
  tasks::Preprocessing preprocessing;
  std::string interpolation = "bilinear";
  std::string mean;
  std::string std;
};

/// Names for classes, as long as there are as many names as classes.
class ClassNames {
 public:
  explicit ClassNames(const std::string& file)
      : source_(file.empty() ? "ImageNet" : file),
        names_(file.empty() ? tasks::imagenet_labels() : tasks::read_labels(file)) {}

  /// Empty where the model has another number of classes; the first time a note says so.
  std::optional<std::string> of(std::int64_t index, std::int64_t class_count) {
    if (static_cast<std::int64_t>(names_.size()) == class_count) return names_[static_cast<std::size_t>(index)];
    if (!noted_)
      print_note(fmt::format("the model has {} classes but {} has {} names: classes are shown by index{}", class_count,
                             source_, names_.size(), source_ == "ImageNet" ? " (--labels FILE names them)" : ""));
    noted_ = true;
    return std::nullopt;
  }

 private:
  std::string source_;
  std::vector<std::string> names_;
  bool noted_ = false;
};

void print_text(const std::string& file, const tasks::Classification& found, ClassNames& names) {
  std::string out = bold(printable(file)) + "\n";
  for (const auto& score : found.top) {
    const auto name = names.of(score.index, found.class_count);
    out += fmt::format("  {:6.2f}%  {}  {}\n", 100 * score.probability, green(bar(score.probability, kBarColumns)),
                       name ? printable(*name) : fmt::format("class {}", score.index));
  }
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

Json to_json(const std::string& file, const tasks::Classification& found, ClassNames& names) {
  Json top = Json::array();
  for (const auto& score : found.top) {
    const auto name = names.of(score.index, found.class_count);
    top.push_back({{"index", score.index},
                   {"label", name ? Json(*name) : Json()},
                   {"probability", score.probability},
                   {"logit", score.logit}});
  }
  return {{"file", file}, {"classes", found.class_count}, {"top", std::move(top)}};
}

/// "0.5,0.5,0.5" → three numbers; `otherwise` where the option was not given.
std::array<float, 3> three(std::string_view option, const std::string& text, const std::array<float, 3>& otherwise) {
  if (text.empty()) return otherwise;
  std::array<float, 3> values{};
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [stop, error] = std::from_chars(at, end, values[i]);
    const bool separated = i + 1 < values.size() ? stop != end && *stop == ',' : stop == end;
    if (error != std::errc{} || !separated)
      base::fail<InvalidInput>("{} {}: three numbers such as 0.485,0.456,0.406 are expected", option, text);
    at = stop + 1;
  }
  return values;
}

ExitCode classify(ClassifyOptions& options) {
  options.preprocessing.interpolation =
      options.interpolation == "bicubic" ? tasks::Interpolation::bicubic : tasks::Interpolation::bilinear;
  options.preprocessing.mean = three("--mean", options.mean, options.preprocessing.mean);
  options.preprocessing.std = three("--std", options.std, options.preprocessing.std);
  ClassNames names(options.labels);

  Progress progress(options.common.progress);
  progress.stage("loading " + options.common.model);
  const tasks::ImageClassifier classifier(options.common.model, options.common.engine, options.preprocessing);
  print_notes(classifier.model());
  ExitCode exit_code = kOk;
  Json results = Json::array();
  std::vector<std::string> files;
  std::vector<Tensor> prepared;
  const auto flush = [&] {
    const auto found = classifier.classify(prepared, options.top);
    progress.hide();
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (options.common.json)
        results.push_back(to_json(files[i], found[i], names));
      else
        print_text(files[i], found[i], names);
    }
    files.clear();
    prepared.clear();
  };
  for (std::size_t i = 0; i < options.images.size(); ++i) {
    const std::string& file = options.images[i];
    progress.stage(fmt::format("classifying {} of {}: {}", i + 1, options.images.size(), file));
    try {
      prepared.push_back(classifier.prepare(file));
      files.push_back(file);
    } catch (const InvalidInput& error) {
      // One bad picture does not keep the others from their answers.
      progress.hide();
      print_error(error.what());
      if (options.common.json) results.push_back({{"file", file}, {"error", error.what()}});
      exit_code = kBadInput;
    }
    if (prepared.size() == options.batch || i + 1 == options.images.size()) flush();
  }
  if (options.common.json) {
    const Json document = {{"model", options.common.model}, {"images", std::move(results)}};
    std::fputs((json_text(document) + "\n").c_str(), stdout);
  }
  return exit_code;
}

}  // namespace

void add_classify_image(CLI::App& app, Work& work) {
  const auto options = std::make_shared<ClassifyOptions>();
  CLI::App& command = *app.add_subcommand("classify-image", "Say what is in pictures");
  add_common(command, options->common, kModelFile);
  command.add_option("IMAGE", options->images, "JPEG or PNG files")->required()->type_name("FILE");
  command.add_option("--labels", options->labels, "Class names: one a line, or JSON (default: ImageNet's 1000)")
      ->type_name("FILE");
  command.add_option("--top", options->top, "How many classes to show (default: 5)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("K");
  command.add_option("--batch", options->batch, "Pictures per run of the model (default: 1)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command.add_option("--resize", options->preprocessing.resize, "Shorter side after resizing (default: 256)")
      ->type_name("PIXELS");
  command.add_option("--crop", options->preprocessing.crop, "Side of the centre crop (default: 224)")
      ->type_name("PIXELS");
  command.add_option("--interpolation", options->interpolation, "bilinear (default) or bicubic")
      ->check(CLI::IsMember({"bilinear", "bicubic"}));
  command.add_option("--mean", options->mean, "Mean of red, green, blue (default: 0.485,0.456,0.406)")
      ->type_name("R,G,B");
  command.add_option("--std", options->std, "Standard deviation of each (default: 0.229,0.224,0.225)")
      ->type_name("R,G,B");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return classify(*options); }; });
}

}  // namespace wherry::cli
