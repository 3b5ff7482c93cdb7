// Any bytes as the files of a tokenizer from before tokenizer.json, parted by zero bytes: tokenizer_config.json,
// vocab.txt; or tokenizer_config.json, vocab.json, merges.txt. A tokenizer that loads gives ids that its vocabulary
// has.

#include "text/tokenizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "attempt.h"
#include "base/check.h"
#include "folder.h"

using namespace wherry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> files;
  for (; files.size() < 3 && !rest.empty(); rest.remove_prefix(std::min(files.back().size() + 1, rest.size())))
    files.push_back(rest.substr(0, rest.find('\0')));
  if (files.size() < 2) return 0;

  static const Folder folder("wherry_fuzz_tokenizer");
  folder.clear();
  folder.write("tokenizer_config.json", files[0]);
  if (files.size() == 2) {
    folder.write("vocab.txt", files[1]);
  } else {
    folder.write("vocab.json", files[1]);
    folder.write("merges.txt", files[2]);
  }
  attempt([&] {
    const text::Tokenizer tokenizer = text::Tokenizer::load(folder.path());
    const text::Encoding encoding = tokenizer.encode("A wherry, 2 oars \xe4\xb8\xad [MASK]<mask>");
    for (const std::int64_t id : encoding.ids) WHERRY_CHECK(id >= 0 && id <= tokenizer.largest_id());
    tokenizer.decode(encoding.ids, true);
  });
  return 0;
}
