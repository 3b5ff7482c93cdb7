#include "engine/tuning_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"
#include "base/mapped_file.h"

namespace wherry::engine {
namespace {

constexpr std::string_view kHeader = "wherry tuning 1";
constexpr std::string_view kCpu = "cpu ";
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxNumbers = 16;  // in a choice

bool in_key(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ' '; }

/// Empty where the text is no list of numbers separated by single spaces.
kernels::Choice numbers_in(std::string_view text) {
  kernels::Choice numbers;
  while (numbers.size() < kMaxNumbers) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return {};
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return numbers;
    if (text.front() != ' ') return {};
    text.remove_prefix(1);
  }
  return {};
}

/// As much of a line as a message may show.
std::string shown(std::string_view line) {
  std::string text(line.substr(0, 60));
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

TuningFile parse_tuning(std::string_view text, std::string_view name) {
  TuningFile file;
  runtime::Tuning* choices = nullptr;
  if (text.size() > kMaxBytes)
    base::fail<InvalidInput>("{}: found {} bytes, accepted are {}", name, text.size(), kMaxBytes);
  for (std::size_t number = 1; !text.empty() || number == 1; ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto wrong = [&](std::string_view accepted) {
      base::fail<InvalidInput>("{}, line {}: found \"{}\", accepted is {}", name, number, shown(line), accepted);
    };
    if (number == 1) {
      if (line != kHeader) wrong(fmt::format("\"{}\"", kHeader));
    } else if (line.starts_with(kCpu) && line.size() > kCpu.size()) {
      choices = &file[std::string(line.substr(kCpu.size()))];
    } else {
      if (choices == nullptr) wrong("\"cpu NAME\"");
      const std::size_t equals = line.find(" = ");
      const std::string_view key = line.substr(0, equals);
      kernels::Choice choice;
      if (equals != std::string_view::npos && !key.empty() && std::all_of(key.begin(), key.end(), in_key))
        choice = numbers_in(line.substr(equals + 3));
      if (choice.empty()) wrong(fmt::format("\"KEY = up to {} numbers\"", kMaxNumbers));
      (*choices)[std::string(key)] = std::move(choice);
    }
  }
  return file;
}

std::string print_tuning(const TuningFile& file) {
  std::string text(kHeader);
  text += '\n';
  for (const auto& [cpu, choices] : file) {
    text += fmt::format("{}{}\n", kCpu, cpu);
    for (const auto& [key, choice] : choices) text += fmt::format("{} = {}\n", key, fmt::join(choice, " "));
  }
  return text;
}

std::string tuning_path(const std::optional<std::string>& option) {
  if (option) return *option;
  if (const char* variable = std::getenv("WHERRY_TUNING")) return variable;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return fmt::format("{}/wherry/tuning.txt", cache);
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? fmt::format("{}/.cache/wherry/tuning.txt", home) : std::string();
}

LoadedTuning load_tuning(const std::string& path) {
  LoadedTuning loaded;
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return loaded;
  try {
    const auto mapped = base::MappedFile::open(path);
    const std::string_view text(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size());
    TuningFile file = parse_tuning(text, path);
    if (const auto found = file.find(base::cpu_name()); found != file.end()) {
      loaded.choices = std::move(found->second);
    } else {
      loaded.note =
          fmt::format("{}: measured on other CPUs than this {}; `wherry tune` adds it", path, base::cpu_name());
    }
  } catch (const Error& error) {
    loaded.note = fmt::format("tuning is ignored: {}", error.what());
  }
  return loaded;
}

void save_tuning(const std::string& path, const runtime::Tuning& choices) {
  TuningFile file;
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    const auto mapped = base::MappedFile::open(path);
    file = parse_tuning({reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size()}, path);
  }
  runtime::Tuning& ours = file[std::string(base::cpu_name())];
  for (const auto& [key, choice] : choices) {
    if (choice.empty()) {
      ours.erase(key);
    } else {
      ours[key] = choice;
    }
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  // Whole or not at all: others may read it, or write it, at the same time.
  const std::string partial = fmt::format("{}.{}.partial", path, ::getpid());
  {
    std::ofstream out(partial, std::ios::binary);
    out << print_tuning(file);
    if (!out.flush()) {
      const int reason = errno;
      std::filesystem::remove(partial, error);
      base::fail<InvalidInput>("{}: cannot write: {}", path, std::strerror(reason));
    }
  }
  std::filesystem::rename(partial, path, error);
  if (error) {
    const std::string reason = error.message();
    std::filesystem::remove(partial, error);
    base::fail<InvalidInput>("{}: cannot write: {}", path, reason);
  }
}

}  // namespace wherry::engine
