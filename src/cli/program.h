#pragma once
// The whole program, apart from main(), so that a test can call it.

namespace wherry::cli {

/// Parses, works, prints. Returns the process's exit code: 0 done; 2 the model, an input or an option cannot be used;
/// 3 a bug of wherry's. Never throws.
int run_program(int argc, const char* const* argv);

}  // namespace wherry::cli
