// restore_golden IN.golden OUT.pt: a full-size model file for hand-made measurements, without PyTorch.

#include <cstdio>
#include <exception>

#include "golden_archive.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: restore_golden IN.golden OUT.pt\n");
    return 2;
  }
  try {
    wherry::golden::restore(argv[1], std::filesystem::absolute(argv[2]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restore_golden: %s\n", error.what());
    return 2;
  }
}
