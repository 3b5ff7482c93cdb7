#pragma once
// Checks that print both values. WHERRY_CHECK* guard our own invariants and throw InternalError; a user's mistake is
// reported with fail<InvalidInput>(…) and its kin instead.

#include <fmt/format.h>

#include <string_view>

#include "wherry/error.h"

namespace wherry::base {

/// Throws E with a formatted message: fail<InvalidModel>("{}: found {}, expected {}", …).
template <typename E, typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void fail_check(std::string_view condition, std::string_view values, const char* file, int line);

}  // namespace wherry::base

#define WHERRY_CHECK(condition) ((condition) ? void(0) : ::wherry::base::fail_check(#condition, "", __FILE__, __LINE__))

#define WHERRY_CHECK_OP_(a, op, b)                                                                             \
  do {                                                                                                         \
    const auto& wherry_a_ = (a);                                                                               \
    const auto& wherry_b_ = (b);                                                                               \
    if (!(wherry_a_ op wherry_b_))                                                                             \
      ::wherry::base::fail_check(#a " " #op " " #b, ::fmt::format("{} vs {}", wherry_a_, wherry_b_), __FILE__, \
                                 __LINE__);                                                                    \
  } while (false)

#define WHERRY_CHECK_EQ(a, b) WHERRY_CHECK_OP_(a, ==, b)
#define WHERRY_CHECK_NE(a, b) WHERRY_CHECK_OP_(a, !=, b)
#define WHERRY_CHECK_LT(a, b) WHERRY_CHECK_OP_(a, <, b)
#define WHERRY_CHECK_LE(a, b) WHERRY_CHECK_OP_(a, <=, b)
#define WHERRY_CHECK_GT(a, b) WHERRY_CHECK_OP_(a, >, b)
#define WHERRY_CHECK_GE(a, b) WHERRY_CHECK_OP_(a, >=, b)
