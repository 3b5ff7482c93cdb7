#pragma once
// What the programs of this folder share: how they end where something is wrong.

#include <fmt/format.h>

#include <cstdio>

#include "wherry/error.h"

namespace wherry::benchmarks {

/// run's exit code; or 2 where it throws a wherry::Error, which is printed under the program's name.
inline int run_program(const char* name, int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    fmt::print(stderr, "{}: error: {}\n", name, error.what());
    return 2;
  }
}

}  // namespace wherry::benchmarks
