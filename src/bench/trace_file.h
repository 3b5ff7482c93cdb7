#pragma once
// A profile as a file for trace viewers: Chrome's trace events as PyTorch's profiler writes them, which Perfetto,
// chrome://tracing and TensorBoard's PyTorch plugin open.

#include <string>

#include "base/new_file.h"
#include "bench/profile.h"

namespace wherry::bench {

/// "conv2d+batch_norm+relu" of a step's origins: what it does, in the model's own ops; the core op where it has none.
std::string step_name(const StepInfo& step);

/// The file's text. Each iteration is a "ProfilerStep#N" of the thread that called, with its modules within each other
/// and the steps within those; a step lasts until the next one begins. What other threads do, and what waiting there
/// is, stands beside that in a category that TensorBoard's tables leave out. Times are in microseconds from the first
/// event, in 64ths, so that ends and begins of neighbours are equal to the last bit and no step is empty.
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
