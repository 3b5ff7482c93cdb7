#pragma once
// Runs the wherry program as a child process, as a shell would.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/temporary_folder.h"

namespace wherry::cli {

struct Finished {
  int exit_code = 0;  ///< 128 + signal where one ended it
  std::string out;
  std::string error;
};

/// Runs wherry with these arguments and `input` on standard input. Ended after 60 seconds (exit code 142).
Finished run_wherry(const std::vector<std::string>& arguments, std::string_view input = {});

std::string read_file(const std::filesystem::path& path);

}  // namespace wherry::cli
