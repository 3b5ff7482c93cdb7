// Any text as config.json, and as modules.json and the pooling's config.json: what is accepted makes a model of
// possible sizes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attempt.h"
#include "base/check.h"
#include "import/huggingface/config.h"
#include "import/huggingface/sentence_embedding.h"

using namespace wherry;
using namespace wherry::import;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* arch : {"", "BertForMaskedLM"}) {
    attempt([&] {
      const huggingface::Config config = huggingface::parse_config(JsonObject::parse(text, "config.json"), arch);
      WHERRY_CHECK_EQ(config.hidden_size % config.heads, 0);
      WHERRY_CHECK_GE(config.longest_sequence(), 1);
      element_count({config.vocab_size, config.hidden_size});
    });
  }
  constexpr std::string_view kModules = R"([{"type":"x.Transformer"},{"type":"x.Pooling","path":"p"}])";
  constexpr std::string_view kPooling = R"({"pooling_mode":"mean"})";
  attempt([&] { huggingface::parse_sentence_modules(text, "modules.json", kPooling, "p/config.json"); });
  attempt([&] { huggingface::parse_sentence_modules(kModules, "modules.json", text, "p/config.json"); });
  return 0;
}
