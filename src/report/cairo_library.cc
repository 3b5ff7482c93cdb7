#include "report/cairo_library.h"

#include <dlfcn.h>

#include "base/check.h"

#ifdef WHERRY_SANITIZER
/// Read by LeakSanitizer: fontconfig, which Cairo asks for fonts, keeps what it found without a pointer to it.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
#endif

namespace wherry::report {
namespace {

constexpr const char* kName = "libcairo.so.2";

CairoLibrary open_library() {
  void* handle = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    base::fail<Unsupported>("PNG pictures need {}, which cannot be loaded ({}); Debian's package libcairo2 has it",
                            kName, ::dlerror());
  CairoLibrary library;
  const auto find = [&](const char* name) {
    void* function = ::dlsym(handle, name);
    if (function == nullptr) base::fail<Unsupported>("PNG pictures need {} with {}; 1.16 has it", kName, name);
    return function;
  };
#define WHERRY_CAIRO(name) library.name = reinterpret_cast<decltype(&::name)>(find(#name));
#include "report/cairo_functions.inc"
#undef WHERRY_CAIRO
  return library;
}

}  // namespace

const CairoLibrary& cairo_library() {
  static const CairoLibrary library = open_library();
  return library;
}

}  // namespace wherry::report
