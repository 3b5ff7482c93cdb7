// What TensorBoard's plugin asks of a trace: every event a name, every duration event a category, an op within its
// ProfilerStep by time, modules with the ids of the modules around them, and two instants that say where the recording
// begins and ends.

#include "bench/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <span>
#include <string_view>
#include <system_error>

#include "base/check.h"
#include "bench/trace_events.h"

namespace wherry::bench {
namespace {

/// Of spans that TensorBoard shows in its Trace view alone.
constexpr std::string_view kBeside = "wherry";

/// The lists before each arrow of "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]".
TraceJson input_dims(std::string_view shape) {
  TraceJson lists = TraceJson::array();
  while (!shape.empty()) {
    const std::string_view part = shape.substr(0, shape.find(';'));
    std::string_view inputs = part.substr(0, part.find("->"));
    for (auto open = inputs.find('['); open != std::string_view::npos; open = inputs.find('[')) {
      inputs.remove_prefix(open + 1);
      const std::string_view list = inputs.substr(0, inputs.find(']'));
      TraceJson sizes = TraceJson::array();
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

/// "resnet.py(285): forward;resnet.py(268): _forward_impl", innermost first, as PyTorch writes it.
std::string call_stack(const StepInfo& step) {
  std::string stack;
  for (const CallInfo& call : step.calls)
    stack += fmt::format("{}{}({}): {}", stack.empty() ? "" : ";", call.file, call.line, call.function);
  return stack.empty() ? step.source : stack;
}

TraceJson arguments_of(const StepInfo& step, std::size_t id) {
  TraceJson arguments = {{"External id", id},
                         {"Input Dims", input_dims(step.shape)},
                         {"Op", step.op},
                         {"Kernel", step.kernel},
                         {"Precision", step.precision},
                         {"Shape", step.shape},
                         {"FLOP", step.flops},
                         {"Weight bytes", step.weight_bytes},
                         {"Input bytes", step.input_bytes},
                         {"Output bytes", step.output_bytes},
                         {"Workspace bytes", step.workspace_bytes}};
  if (!step.modules.empty()) arguments["Module"] = step.modules.back().path;
  TraceJson origins = TraceJson::array();
  for (const OriginInfo& origin : step.origins)
    origins.push_back(
        fmt::format("{} {}{}{}", origin.op, origin.module, origin.source.empty() ? "" : " ", origin.source));
  if (!origins.empty()) arguments["ATen ops"] = std::move(origins);
  if (const std::string stack = call_stack(step); !stack.empty()) arguments["Call stack"] = stack;
  return arguments;
}

/// The modules of one iteration, opened and closed as the steps go by.
class ModuleSpans {
 public:
  ModuleSpans(TraceEvents& events, const std::string& model, std::map<std::string, int>& module_ids, int& python_ids)
      : events_(events), model_(model), module_ids_(module_ids), python_ids_(python_ids) {}

  /// A step of these modules begins.
  void enter(const std::vector<ModuleInfo>& modules, TraceTime now) {
    std::size_t same = 0;
    while (same < open_.size() && same < modules.size() && open_[same].path == modules[same].path) ++same;
    close_to(std::max<std::size_t>(same, 1), now);  // the model itself lasts
    for (std::size_t i = same; i < modules.size(); ++i) open(modules[i], now);
  }
  void leave_all(TraceTime now) { close_to(0, now); }

 private:
  struct Open {
    std::string path;
    int python_id;
    std::size_t span;
  };

  void open(const ModuleInfo& module, TraceTime now) {
    const int id = module_ids_.try_emplace(module.path, static_cast<int>(module_ids_.size())).first->second;
    const TraceJson parent = open_.empty() ? TraceJson() : TraceJson(open_.back().python_id);
    const std::size_t span =
        events_.add("python_function", "nn.Module: " + name_of(module), 0, now, now,
                    {{"Python id", ++python_ids_}, {"Python parent id", parent}, {"Python module id", id}});
    open_.push_back({module.path, python_ids_, span});
  }

  void close_to(std::size_t depth, TraceTime now) {
    for (; open_.size() > depth; open_.pop_back()) events_.extend(open_.back().span, now);
  }

  /// "layer1.0.conv1: Conv2d". The plugin takes modules of one name for one.
  std::string name_of(const ModuleInfo& module) const {
    const std::string& own = module.path.empty() ? model_ : module.path;
    return module.type.empty() ? own : own + ": " + module.type;
  }

  TraceEvents& events_;
  const std::string& model_;
  std::map<std::string, int>& module_ids_;
  int& python_ids_;
  std::vector<Open> open_;
};

class Writer {
 public:
  Writer(const Profile& profile, const std::string& name) : profile_(profile), name_(name) {
    for (const StepInfo& step : profile.steps) names_.push_back(step_name(step));
  }

  std::string text() {
    find_origin();
    events_.label("process_name", 0, "wherry");
    events_.label("thread_name", 0, name_);
    for (const Phase& phase : profile_.phases) {
      const TraceTime begin = time(phase.begin_ns);
      TraceJson arguments = TraceJson::object();
      if (!phase.detail.empty()) arguments["Weight"] = phase.detail;
      events_.add(kBeside, phase.name, 0, begin, std::max(begin.next(), time(phase.end_ns)), std::move(arguments));
    }
    for (std::size_t i = 0; i < profile_.iterations.size(); ++i) add_iteration(i, profile_.iterations[i]);
    if (profile_.iterations.empty())
      events_.add("user_annotation", "ProfilerStep#0", 0, end_, end_.next(), {{"External id", 0}});
    for (int thread = 1; thread < threads_; ++thread)
      events_.label("thread_name", thread, fmt::format("{}, thread {}", name_, thread));
    events_.window(TraceTime(0), end_.next());
    return events_.text();
  }

 private:
  TraceTime time(std::int64_t ns) const { return TraceTime::of_ns(ns - origin_); }

  void find_origin() {
    bool found = false;
    const auto see = [&](std::int64_t ns) {
      origin_ = found ? std::min(origin_, ns) : ns;
      found = true;
    };
    for (const Phase& phase : profile_.phases) see(phase.begin_ns);
    for (const auto& iteration : profile_.iterations)
      for (const Span& span : iteration) see(span.begin_ns);
  }

  void add_iteration(std::size_t index, const std::vector<Span>& spans) {
    if (spans.empty()) return;
    const Span& run = spans[0];
    const TraceTime begin = std::max(end_, time(run.begin_ns));
    // The steps of thread 0 begin where the one before ends: each takes a tick at least.
    std::vector<const Span*> own;
    for (const Span& span : spans) {
      threads_ = std::max(threads_, span.thread + 1);
      if (span.kind == Span::Kind::step && span.thread == 0) own.push_back(&span);
    }
    std::vector<TraceTime> begins;
    TraceTime at = begin;
    for (const Span* span : own) {
      begins.push_back(std::max(at, time(span->begin_ns)));
      at = begins.back().next();
    }
    const TraceTime end = std::max(at, time(run.end_ns));
    begins.push_back(end);
    events_.add("user_annotation", fmt::format("ProfilerStep#{}", index), 0, begin, std::max(end, begin.next()),
                {{"External id", ++external_ids_}});
    ModuleSpans modules(events_, name_, module_ids_, python_ids_);
    modules.enter({ModuleInfo{"", root_type()}}, begin);
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto step = static_cast<std::size_t>(own[i]->step);
      modules.enter(profile_.steps[step].modules, begins[i]);
      events_.add("cpu_op", names_[step], 0, begins[i], begins[i + 1],
                  arguments_of(profile_.steps[step], ++external_ids_));
      const TraceTime done = std::max(begins[i], time(own[i]->end_ns));
      if (done < begins[i + 1] && begins[i + 1].us() - done.us() >= kLeastWait)
        events_.add(kBeside, "waiting", 0, done, begins[i + 1]);
    }
    modules.leave_all(end);
    for (const Span& span : spans) {
      if (span.thread == 0) continue;
      const TraceTime from = time(span.begin_ns);
      events_.add(kBeside, names_[static_cast<std::size_t>(span.step)], span.thread, from,
                  std::max(from.next(), time(span.end_ns)), {{"Step", span.step}});
    }
    end_ = std::max(end, begin.next());
  }

  std::string root_type() const {
    for (const StepInfo& step : profile_.steps)
      if (!step.modules.empty() && !step.modules[0].type.empty()) return step.modules[0].type;
    return {};
  }

  static constexpr double kLeastWait = 0.5;  // microseconds: less is the clock's own time

  const Profile& profile_;
  const std::string& name_;
  std::vector<std::string> names_;
  TraceEvents events_;
  std::int64_t origin_ = 0;
  TraceTime end_{0};
  int threads_ = 1;
  std::size_t external_ids_ = 0;
  std::map<std::string, int> module_ids_;
  int python_ids_ = 0;
};

std::string make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) base::fail<InvalidInput>("{}: cannot make this folder for the profile: {}", folder, error.message());
  return folder;
}

}  // namespace

std::string step_name(const StepInfo& step) {
  constexpr std::size_t kMost = 4;  // of different ops; attention written out has dozens
  std::vector<std::pair<std::string_view, int>> ops;
  for (const OriginInfo& origin : step.origins) {
    std::string_view op = origin.op;
    if (op.starts_with("aten::")) op.remove_prefix(6);
    const auto found = std::find_if(ops.begin(), ops.end(), [&](const auto& each) { return each.first == op; });
    if (found != ops.end()) {
      ++found->second;
    } else {
      ops.emplace_back(op, 1);
    }
  }
  if (ops.empty()) return step.op;
  std::string name;
  for (std::size_t i = 0; i < std::min(ops.size(), kMost); ++i) {
    name += fmt::format("{}{}", i > 0 ? "+" : "", ops[i].first);
    if (ops[i].second > 1) name += fmt::format("*{}", ops[i].second);
  }
  if (ops.size() > kMost) name += "+...";
  return name;
}

std::string trace_json(const Profile& profile, const std::string& name) { return Writer(profile, name).text(); }

TraceFile::TraceFile(const std::string& folder, const std::string& name)
    : name_(name), path_(std::filesystem::path(make_folder(folder)) / (name + ".pt.trace.json")), file_(path_) {}

void TraceFile::write(const Profile& profile) {
  const std::string text = trace_json(profile, name_);
  file_.write(std::as_bytes(std::span(text)));
  file_.commit();
}

}  // namespace wherry::bench
