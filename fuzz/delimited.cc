// Any bytes as a CSV, and as a TSV: rows come in order of their lines, and every column has the name and number it is
// found by.

#include "cli/delimited.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "attempt.h"
#include "base/check.h"
#include "folder.h"

using namespace wherry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder("wherry_fuzz_delimited");
  for (const char* name : {"fuzz.csv", "fuzz.tsv"}) {
    folder.write(name, {reinterpret_cast<const char*>(data), size});
    attempt([&] {
      cli::DelimitedReader reader(folder.path(name));
      const auto& header = reader.header();
      for (std::size_t i = 0; i < header.size(); ++i) WHERRY_CHECK(header[reader.column(header[i])] == header[i]);
      std::int64_t line = reader.number();
      while (const auto row = reader.next()) {
        WHERRY_CHECK(!row->empty() && reader.number() > line && reader.lines().number() >= reader.number());
        line = reader.number();
      }
    });
  }
  return 0;
}
