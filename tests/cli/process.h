#pragma once
// Runs the wherry program as a child process, as a shell would.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::cli {

struct Finished {
  int exit_code = 0;  ///< 128 + signal where one ended it
  std::string out;
  std::string error;
};

/// Runs wherry with these arguments and `input` on standard input. Ended after 60 seconds (exit code 142).
Finished run_wherry(const std::vector<std::string>& arguments, std::string_view input = {});

/// A folder for one test's files, removed with the object.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  /// Writes a file and returns its path.
  std::string file(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);

}  // namespace wherry::cli
