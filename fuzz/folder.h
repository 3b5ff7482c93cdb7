#pragma once
// Files for readers that take paths: a folder of this process alone, in memory where the system has such a place.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

class Folder {
 public:
  explicit Folder(const std::string& name) : path_(place() / (name + "_" + std::to_string(::getpid()))) { clear(); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string path() const { return path_.string(); }
  std::string path(const char* file) const { return (path_ / file).string(); }
  void clear() const {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  void write(const char* file, std::string_view content) const {
    std::ofstream(path_ / file, std::ios::binary) << content;
  }

 private:
  static std::filesystem::path place() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};
