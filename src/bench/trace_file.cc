// What TensorBoard's plugin asks of a trace: every event a name, every duration event a category, an op within its
// ProfilerStep by time, and two instants that say where the recording begins and ends.

#include "bench/trace_file.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <system_error>

#include "base/check.h"

namespace wherry::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kTick = 1.0 / 64;  // microseconds

/// The lists before each arrow of "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]".
Json input_dims(std::string_view shape) {
  Json lists = Json::array();
  while (!shape.empty()) {
    const std::string_view part = shape.substr(0, shape.find(';'));
    std::string_view inputs = part.substr(0, part.find("->"));
    for (auto open = inputs.find('['); open != std::string_view::npos; open = inputs.find('[')) {
      inputs.remove_prefix(open + 1);
      const std::string_view list = inputs.substr(0, inputs.find(']'));
      Json sizes = Json::array();
      for (const char *at = list.data(), *end = at + list.size(); at != end;) {
        std::int64_t size = 0;
        const auto [after, error] = std::from_chars(at, end, size);
        if (error == std::errc()) sizes.push_back(size);
        at = error == std::errc() ? after : at + 1;  // past a comma or a space
      }
      lists.push_back(std::move(sizes));
    }
    shape.remove_prefix(std::min(part.size() + 1, shape.size()));
  }
  return lists;
}

Json lasting(std::string_view category, std::string_view name, double begin, double end, Json arguments) {
  const int process = static_cast<int>(::getpid());
  return {{"ph", "X"},      {"cat", category}, {"name", name},       {"pid", process},
          {"tid", process}, {"ts", begin},     {"dur", end - begin}, {"args", std::move(arguments)}};
}

Json label(std::string_view what, std::string_view name) {
  const int process = static_cast<int>(::getpid());
  return {{"ph", "M"}, {"name", what}, {"pid", process}, {"tid", process}, {"ts", 0}, {"args", {{"name", name}}}};
}

std::string make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) base::fail<InvalidInput>("{}: cannot make this folder for the profile: {}", folder, error.message());
  return folder;
}

}  // namespace

std::string trace_json(const Profile& profile, const std::string& name) {
  std::vector<double> ends;
  double sum = 0, end = 0;
  for (const double ms : profile.step_ms) {
    sum += 1e3 * ms;
    end = std::max(end + kTick, std::round(sum / kTick) * kTick);
    ends.push_back(end);
  }
  end = std::max(end, kTick);  // of a plan without steps

  Json events = {label("process_name", "wherry"), label("thread_name", name)};
  events.push_back(
      lasting("user_annotation", "ProfilerStep#0", 0, end,
              {{"External id", 1}, {"Steps ms", profile.steps_ms()}, {"Inference ms", profile.inference_ms}}));
  double begin = 0;
  for (std::size_t i = 0; i < ends.size(); begin = ends[i++]) {
    const StepInfo& step = profile.steps[i];
    Json arguments = {{"External id", i + 2},
                      {"Input Dims", input_dims(step.shape)},
                      {"Kernel", step.kernel},
                      {"Precision", step.precision},
                      {"Shape", step.shape},
                      {"FLOP", step.flops},
                      {"Weight bytes", step.weight_bytes},
                      {"Output bytes", step.output_bytes}};
    if (!step.source.empty()) arguments["Call stack"] = step.source;
    events.push_back(lasting("cpu_op", step.op, begin, ends[i], std::move(arguments)));
  }
  events.push_back({{"ph", "i"},
                    {"s", "g"},
                    {"name", "Iteration Start: PyTorch Profiler"},
                    {"pid", "Traces"},
                    {"tid", "Trace PyTorch Profiler"},
                    {"ts", 0}});
  events.push_back({{"ph", "i"}, {"s", "g"}, {"name", "Record Window End"}, {"pid", ""}, {"tid", ""}, {"ts", end}});
  std::string text = R"({"schemaVersion":1,"deviceProperties":[],"displayTimeUnit":"ms","traceEvents":[)";
  for (const Json& event : events) {
    text += text.ends_with('[') ? "\n" : ",\n";
    text += event.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return text + "\n]}\n";
}

TraceFile::TraceFile(const std::string& folder, const std::string& name)
    : name_(name), path_(std::filesystem::path(make_folder(folder)) / (name + ".pt.trace.json")), file_(path_) {}

void TraceFile::write(const Profile& profile) {
  const std::string text = trace_json(profile, name_);
  file_.write(std::as_bytes(std::span(text)));
  file_.commit();
}

}  // namespace wherry::bench
