#pragma once
// CLI11 takes an argument in brackets, such as the text "[MASK]", for a list. One that is followed by a byte no
// argument can hold it leaves alone; commands on text take that byte off again.

#include <string>
#include <vector>

namespace wherry::cli {

/// The program's arguments, last first, as CLI::App::parse takes them; guarded where the command is one on text.
std::vector<std::string> guarded_arguments(int argc, const char* const* argv);
/// Takes the guard off an option's value, if there is one.
void unguard(std::string& value);

}  // namespace wherry::cli
