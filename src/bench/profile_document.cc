#include "bench/profile_document.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/read_json.h"
#include "bench/cache_json.h"
#include "bench/environment.h"
#include "bench/trace_file.h"

namespace wherry::bench {
namespace {

double ms(std::int64_t ns) { return static_cast<double>(ns) / 1e6; }

Json strings_of(const StepInfo& step) {
  Json modules = Json::array(), origins = Json::array(), calls = Json::array();
  for (const ModuleInfo& each : step.modules) modules.push_back({{"path", each.path}, {"type", each.type}});
  for (const OriginInfo& each : step.origins)
    origins.push_back({{"op", each.op}, {"module", each.module}, {"source", each.source}});
  for (const CallInfo& each : step.calls)
    calls.push_back({{"function", each.function}, {"file", each.file}, {"line", each.line}});
  return {{"modules", std::move(modules)}, {"origins", std::move(origins)}, {"calls", std::move(calls)}};
}

/// A member of a JSON object. Throws InvalidInput naming file and key where it is missing or of another type.
template <typename T>
T member(const Json& object, const char* key, const std::string& path, const char* accepted) {
  const auto found = object.find(key);
  try {
    if (found != object.end()) return found->get<T>();
  } catch (const Json::exception&) {
  }
  base::fail<InvalidInput>("{}: '{}' is {}; {} is accepted", path, key,
                           found == object.end() ? "missing" : found->dump().substr(0, 40), accepted);
}

double time_of(const Json& object, const char* key, const std::string& path) {
  const double value = member<double>(object, key, path, "a number of milliseconds");
  if (!std::isfinite(value) || value < 0)
    base::fail<InvalidInput>("{}: '{}' is {}; milliseconds from 0 up are accepted", path, key, value);
  return value;
}

}  // namespace

Json profile_steps(const Profile& profile) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < profile.steps.size(); ++i) {
    const StepInfo& step = profile.steps[i];
    Json entry = {{"op", step.op},
                  {"name", step_name(step)},
                  {"kernel", step.kernel},
                  {"precision", step.precision},
                  {"shape", step.shape},
                  {"source", step.source},
                  {"ms", profile.step_ms[i]},
                  {"runs", step.runs},
                  {"flops", step.flops},
                  {"weight_bytes", step.weight_bytes},
                  {"input_bytes", step.input_bytes},
                  {"output_bytes", step.output_bytes},
                  {"workspace_bytes", step.workspace_bytes}};
    entry.update(strings_of(step));
    steps.push_back(std::move(entry));
  }
  return steps;
}

Json profile_document(const Profile& profile, const ProfileSubject& subject) {
  std::int64_t origin = 0;
  if (!profile.phases.empty()) {
    origin = profile.phases[0].begin_ns;
    for (const Phase& phase : profile.phases) origin = std::min(origin, phase.begin_ns);
  } else if (!profile.iterations.empty()) {
    origin = profile.iterations[0].at(0).begin_ns;
  }
  Json phases = Json::array(), iterations = Json::array(), inputs = Json::array(), machine = Json::object();
  for (const Phase& phase : profile.phases)
    phases.push_back({{"name", phase.name},
                      {"detail", phase.detail},
                      {"begin_ms", ms(phase.begin_ns - origin)},
                      {"ms", ms(phase.end_ns - phase.begin_ns)}});
  for (const auto& spans : profile.iterations) {
    Json steps = Json::array();
    for (const Span& span : spans) {
      if (span.kind != Span::Kind::step) continue;
      steps.push_back({{"step", span.step},
                       {"thread", span.thread},
                       {"slice", span.slice},
                       {"begin_ms", ms(span.begin_ns - spans[0].begin_ns)},
                       {"ms", ms(span.end_ns - span.begin_ns)}});
    }
    iterations.push_back({{"begin_ms", ms(spans[0].begin_ns - origin)},
                          {"ms", ms(spans[0].end_ns - spans[0].begin_ns)},
                          {"steps", std::move(steps)}});
  }
  for (const TensorInfo& input : subject.inputs)
    inputs.push_back({{"name", input.name},
                      {"dtype", input.dtype ? std::string(name_of(*input.dtype)) : ""},
                      {"sizes", input.sizes.value_or(Dims{})}});
  for (const auto& [key, value] : environment()) machine[key] = value;
  const PlanInfo& plan = subject.plan;
  return {{"schema", kProfileSchema},
          {"wherry_version", subject.version},
          {"model", subject.model},
          {"inputs", std::move(inputs)},
          {"machine", std::move(machine)},
          {"isa", plan.isa},
          {"threads", plan.threads},
          {"slices", plan.slices},
          {"precision", plan.precision},
          {"precision_note", plan.precision_note},
          {"inference_ms", profile.inference_ms},
          {"profiled_ms", profile.profiled_ms},
          {"steps_ms", profile.steps_ms()},
          {"steps_of_wall", profile.steps_of_wall},
          {"rounds", profile.rounds},
          {"arena_bytes", plan.arena_bytes},
          {"packed_weight_bytes", plan.packed_weight_bytes},
          {"cache", json_of(subject.cache)},
          {"peak",
           {{"threads", subject.peak.threads},
            {"fp32_gflops", subject.peak.fp32_gflops},
            {"bf16_gflops", subject.peak.bf16_gflops},
            {"read_gb_per_s", subject.peak.read_gb_per_s}}},
          {"phases", std::move(phases)},
          {"iterations", std::move(iterations)},
          {"steps", profile_steps(profile)}};
}

ReadProfile read_profile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) base::fail<InvalidInput>("{}: cannot read this file; 'wherry profile MODEL --json FILE' writes one", path);
  std::ostringstream text;
  text << file.rdbuf();
  const Json json =
      base::read_json<InvalidInput, Json>(text.str(), path, "'wherry profile MODEL --json FILE' writes such a file");
  if (!json.is_object())
    base::fail<InvalidInput>("{}: found no JSON object; 'wherry profile MODEL --json FILE' writes one", path);
  if (const auto schema = json.find("schema"); schema == json.end() || *schema != kProfileSchema)
    base::fail<InvalidInput>("{}: schema is {}; '{}' is accepted", path,
                             schema == json.end() ? "missing" : schema->dump().substr(0, 60), kProfileSchema);
  ReadProfile read;
  read.path = path;
  read.model = member<std::string>(json, "model", path, "a text");
  read.precision = member<std::string>(json, "precision", path, "a text");
  read.isa = member<std::string>(json, "isa", path, "a text");
  read.threads = member<int>(json, "threads", path, "a number");
  read.inference_ms = time_of(json, "inference_ms", path);
  const auto steps = member<Json::array_t>(json, "steps", path, "a list");
  for (const Json& each : steps) {
    if (!each.is_object())
      base::fail<InvalidInput>("{}: one of 'steps' is {}; objects are accepted", path, each.dump().substr(0, 40));
    ReadProfile::Step step;
    step.name = member<std::string>(each, "name", path, "a text");
    step.kernel = member<std::string>(each, "kernel", path, "a text");
    step.precision = member<std::string>(each, "precision", path, "a text");
    step.ms = time_of(each, "ms", path);
    const auto modules = member<Json::array_t>(each, "modules", path, "a list");
    if (!modules.empty() && modules.back().is_object())
      step.module = member<std::string>(modules.back(), "path", path, "a text");
    read.steps.push_back(std::move(step));
  }
  return read;
}

std::vector<ProfileChange> compare(const ReadProfile& before, const ReadProfile& after) {
  std::vector<ProfileChange> rows;
  std::map<std::pair<std::string, std::string>, std::size_t> found;
  const auto row = [&](const ReadProfile::Step& step) -> ProfileChange& {
    const auto [at, added] = found.try_emplace({step.module, step.name}, rows.size());
    if (added) {
      rows.emplace_back();
      rows.back().module = step.module;
      rows.back().name = step.name;
    }
    return rows[at->second];
  };
  for (const ReadProfile::Step& step : before.steps) {
    ProfileChange& change = row(step);
    change.before_ms += step.ms;
    ++change.count_before;
    if (change.kernel_before.empty()) change.kernel_before = step.kernel;
  }
  for (const ReadProfile::Step& step : after.steps) {
    ProfileChange& change = row(step);
    change.after_ms += step.ms;
    ++change.count_after;
    if (change.kernel_after.empty()) change.kernel_after = step.kernel;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ProfileChange& a, const ProfileChange& b) {
    return std::abs(a.after_ms - a.before_ms) > std::abs(b.after_ms - b.before_ms);
  });
  return rows;
}

}  // namespace wherry::bench
