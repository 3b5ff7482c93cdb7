// Any text as a tuning file: what is accepted comes back as it was written.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attempt.h"
#include "base/check.h"
#include "engine/tuning_file.h"

using namespace wherry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const engine::TuningFile file = engine::parse_tuning({reinterpret_cast<const char*>(data), size}, "fuzz.txt");
    WHERRY_CHECK(engine::parse_tuning(engine::print_tuning(file), "again.txt") == file);
  });
  return 0;
}
