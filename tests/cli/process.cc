// fork, exec, and files for what the child says.

#include "process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace wherry::cli {

Finished run_wherry(const std::vector<std::string>& arguments, std::string_view input) {
  const TemporaryFolder folder;
  const std::string in = folder.file("in", input);
  const std::string out = folder.file("out", ""), error = folder.file("error", "");
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), WHERRY_PROGRAM);
  if (*WHERRY_EMULATOR != '\0') words.insert(words.begin(), WHERRY_EMULATOR);  // built for another machine than this
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const int in_fd = ::open(in.c_str(), O_RDONLY);
    const int out_fd = ::open(out.c_str(), O_WRONLY);
    const int error_fd = ::open(error.c_str(), O_WRONLY);
    if (in_fd < 0 || out_fd < 0 || error_fd < 0) ::_exit(126);
    ::dup2(in_fd, STDIN_FILENO);
    ::dup2(out_fd, STDOUT_FILENO);
    ::dup2(error_fd, STDERR_FILENO);
    ::alarm(60);  // survives exec
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  Finished finished;
  finished.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  finished.out = read_file(out);
  finished.error = read_file(error);
  return finished;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace wherry::cli
