#pragma once
// A profile as a file for trace viewers: Chrome's trace events as PyTorch's profiler writes them, which Perfetto,
// chrome://tracing and TensorBoard's PyTorch plugin open.

#include <string>

#include "base/new_file.h"
#include "bench/profile.h"

namespace wherry::bench {

/// The file's text: one iteration, "ProfilerStep#0", with the steps end to end on one thread. Times are in
/// microseconds from 0, in 64ths, so ends and begins of neighbours are equal to the last bit and no step is empty.
std::string trace_json(const Profile& profile, const std::string& name);

/// FOLDER/NAME.pt.trace.json, in place of one that is there.
class TraceFile {
 public:
  /// Makes the folder and begins the file, so what cannot be written is known before measuring. Throws InvalidInput.
  TraceFile(const std::string& folder, const std::string& name);

  const std::string& path() const { return path_; }
  /// Once.
  void write(const Profile& profile);

 private:
  std::string name_;
  std::string path_;
  base::NewFile file_;
};

}  // namespace wherry::bench
