// The `wherry` program.

#include "cli/program.h"

int main(int argc, char** argv) { return wherry::cli::run_program(argc, argv); }
