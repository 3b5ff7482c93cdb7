// Modules come from the call stack, which knows every one's class, or else from the path alone.

#include "runtime/provenance.h"

#include <fmt/format.h>

#include <algorithm>

namespace wherry::runtime {
namespace {

std::vector<ModuleInfo> modules_of(const ir::Source& source) {
  std::vector<ModuleInfo> modules;
  for (const ir::Frame* frame = source.calls.get(); frame != nullptr; frame = frame->caller.get()) {
    if (modules.empty() || modules.back().path != frame->module) modules.push_back({frame->module, frame->module_type});
  }
  std::reverse(modules.begin(), modules.end());
  if (!modules.empty()) return modules;
  modules.emplace_back();
  for (std::size_t dot = 0; dot < source.module.size(); ++dot) {
    dot = std::min(source.module.find('.', dot), source.module.size());
    modules.push_back({source.module.substr(0, dot), {}});
  }
  modules.back().type = source.module_type;
  return modules;
}

OriginInfo origin_of(const ir::Source& source) {
  return {source.op, source.module, source.file.empty() ? "" : fmt::format("{}:{}", source.file, source.line)};
}

}  // namespace

StepInfo with_provenance(StepInfo info, const ir::Source& source) {
  info.source = ir::to_string(source);
  info.modules = modules_of(source);
  if (!source.op.empty()) info.origins.push_back(origin_of(source));
  for (const ir::Source& each : source.fused) info.origins.push_back(origin_of(each));
  for (const ir::Frame* frame = source.calls.get(); frame != nullptr; frame = frame->caller.get())
    info.calls.push_back({frame->function, frame->file, frame->line});
  return info;
}

}  // namespace wherry::runtime
