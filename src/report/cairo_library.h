#pragma once
// Cairo, opened when the first PNG is drawn: linked, it and the X11 libraries behind it would make every start of the
// program 8 ms longer.

#include <cairo.h>

namespace wherry::report {

/// The functions that are called, by their own names.
struct CairoLibrary {
#define WHERRY_CAIRO(name) decltype(&::name) name = nullptr;
#include "report/cairo_functions.inc"
#undef WHERRY_CAIRO
};

/// Stays open. Throws Unsupported where the library cannot be loaded.
const CairoLibrary& cairo_library();

}  // namespace wherry::report
