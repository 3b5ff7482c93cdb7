#pragma once
// What a thread tells its core between two looks at what it spins on: nothing to hurry for, so the core's other thread
// and its power budget may gain.

namespace wherry::base {

inline void spin_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace wherry::base
