// The ground floor: checks, checked arithmetic, files, memory, processor and container limits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/checked_math.h"
#include "base/cores.h"
#include "base/cpu.h"
#include "base/mapped_file.h"
#include "base/new_file.h"
#include "base/prefetch.h"
#include "tests/temporary_folder.h"

namespace wherry::base {
namespace {

using testing::HasSubstr;

/// Sets an environment variable for one test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~ScopedVariable() { ::unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

template <typename E, typename Function>
std::string message_of(Function function) {
  try {
    function();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CheckTest, PrintsBothValuesAndThePlace) {
  const int found = 3;
  const auto message = message_of<InternalError>([&] { WHERRY_CHECK_EQ(found, 4); });
  EXPECT_THAT(message, HasSubstr("found == 4: 3 vs 4"));
  EXPECT_THAT(message, HasSubstr("base_test.cc:"));
  WHERRY_CHECK_LT(3, 4);
}

TEST(CheckedMathTest, OverflowIsAnAnswer) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(checked_add(1, 2), 3);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_mul(kMax / 2, 2), kMax - 1);
  EXPECT_EQ(checked_mul(std::int64_t{1} << 32, std::int64_t{1} << 31), std::nullopt);
  EXPECT_EQ(round_up(65, 64), 128);
}

TEST(AlignedBufferTest, AlignsAndMoves) {
  AlignedBuffer buffer(100);
  ASSERT_NE(buffer.data(), nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % AlignedBuffer::kAlignment, 0u);
  std::memset(buffer.data(), 7, buffer.size());
  const AlignedBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.size(), 100u);
  EXPECT_EQ(moved.data()[99], std::byte{7});
  constexpr std::size_t kLarge = (std::size_t{256} << 10) + 1;
  AlignedBuffer large(kLarge);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large.data()) % AlignedBuffer::kAlignment, 0u);
  large.data()[kLarge - 1] = std::byte{1};
  EXPECT_THAT(message_of<InvalidInput>([] { AlignedBuffer huge(std::numeric_limits<std::size_t>::max()); }),
              HasSubstr("out of memory"));
}

#if !defined(WHERRY_SANITIZER)
/// Whether the mapping that begins at `address` was asked to be of huge pages, as /proc/self/smaps says; empty where it
/// does not list one.
std::optional<bool> asked_for_huge_pages(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const std::string start = fmt::format("{:x}-", reinterpret_cast<std::uintptr_t>(address));
  std::string line;
  bool found = false;
  while (std::getline(smaps, line)) {
    if (line.starts_with(start)) found = true;
    if (found && line.starts_with("VmFlags:")) return line.find(" hg") != std::string::npos;
  }
  return std::nullopt;
}

TEST(AlignedBufferTest, AsksForTheHugePagesItFills) {
  EXPECT_EQ(huge_pages_wanted("1"), true);
  EXPECT_EQ(huge_pages_wanted("0"), false);
  for (const char* other : {"", "yes", "2", "1 "}) EXPECT_EQ(huge_pages_wanted(other), std::nullopt) << other;

  constexpr std::size_t kHuge = AlignedBuffer::kHugePageBytes;
  for (const std::size_t bytes : {kHuge, kHuge + 1, 3 * kHuge - 1, 4 * kHuge + 12345}) {
    AlignedBuffer buffer(bytes);
    std::memset(buffer.data(), 1, bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kHuge, 0u);
#if !defined(WHERRY_EMULATED)  // QEMU does not pass the request on
    if (std::filesystem::exists("/sys/kernel/mm/transparent_hugepage/enabled")) {
      EXPECT_EQ(asked_for_huge_pages(buffer.data()), true) << bytes;
    }
#endif
  }
  const AlignedBuffer small(kHuge - 1);
  EXPECT_NE(asked_for_huge_pages(small.data()), true);
}
#endif

TEST(MappedFileTest, ReadsReleasesAndNamesWhatIsWrong) {
  const std::string text(10000, 'w');
  const TemporaryFolder folder;
  const std::string path = folder.file("file", text);
  const auto file = MappedFile::open(path);
  ASSERT_EQ(file->bytes().size(), text.size());
  EXPECT_EQ(std::memcmp(file->bytes().data(), text.data(), text.size()), 0);
  file->release(file->bytes().subspan(10, 9000));
  EXPECT_EQ(std::memcmp(file->bytes().data(), text.data(), text.size()), 0) << "released pages come back";

  std::ofstream(path, std::ios::trunc).flush();
  EXPECT_TRUE(MappedFile::open(path)->bytes().empty());
  std::filesystem::remove(path);
  EXPECT_THAT(message_of<InvalidInput>([&] { MappedFile::open(path); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of<InvalidInput>([] { MappedFile::open("/"); }), HasSubstr("is a directory"));
  EXPECT_THAT(message_of<InvalidInput>([] { MappedFile::open("/dev/null"); }), HasSubstr("not a regular file"));
}

TEST(CpuTest, AnIsaIncludesThoseBelowIt) {
  using enum Isa;
  for (const Isa isa : kIsas) {
    EXPECT_TRUE(includes(isa, isa));
    EXPECT_TRUE(includes(isa, scalar));
    EXPECT_TRUE(includes(isa, fp32_isa(isa)));
    EXPECT_EQ(includes(isa, neon), isa >= neon);
    EXPECT_EQ(includes(isa, avx2), isa >= avx2 && isa <= amx);
  }
  EXPECT_TRUE(includes(amx, avx512_bf16));
  EXPECT_TRUE(includes(sve_bf16, sve) && includes(sve_bf16, neon_bf16));
  EXPECT_FALSE(includes(sve, neon_bf16)) << "features of their own";
  EXPECT_FALSE(includes(neon_bf16, sve));
  EXPECT_FALSE(includes(avx2, avx512));
}

TEST(CpuTest, WhatRunsHereIncludesItsParts) {
  for (const Isa isa : runnable_isas())
    for (const Isa part : kIsas)
      if (includes(isa, part)) {
        EXPECT_TRUE(runs_here(part)) << name_of(isa) << " without " << name_of(part);
      }
  EXPECT_TRUE(runs_here(detected_isa()));
#if defined(__aarch64__)
  EXPECT_TRUE(runs_here(Isa::neon));
#endif
}

TEST(CpuTest, SveRunsWhereKernelsTakeItsVectors) {
  for (int bytes = 0; bytes <= 256; bytes += 16)
    EXPECT_EQ(takes_sve_vectors_of(bytes), bytes == 16 || bytes == 32 || bytes == 64) << bytes;
  EXPECT_EQ(runs_here(Isa::sve), takes_sve_vectors_of(sve_bytes())) << sve_bytes() << " bytes";
  if (!takes_sve_vectors_of(sve_bytes())) {
    EXPECT_FALSE(runs_here(Isa::sve_bf16)) << sve_bytes() << " bytes";
  }
}

TEST(CpuTest, ForcingAnIsa) {
  for (const Isa isa : runnable_isas()) {
    const ScopedVariable forced("WHERRY_FORCE_ISA", std::string(name_of(isa)).c_str());
    EXPECT_EQ(selected_isa(), isa);
  }
  EXPECT_EQ(selected_isa(), detected_isa());
  if (runs_here(Isa::sve_bf16)) {
    const ScopedVariable forced("WHERRY_FORCE_ISA", "sve-bf16");
    EXPECT_EQ(selected_isa(), Isa::sve_bf16);
  }
  {
    const ScopedVariable forced("WHERRY_FORCE_ISA", "mmx");
    const auto message = message_of<InvalidInput>([] { selected_isa(); });
    EXPECT_THAT(message, HasSubstr("WHERRY_FORCE_ISA=mmx"));
    EXPECT_THAT(message, HasSubstr("scalar, avx2, avx512"));
  }
  EXPECT_FALSE(cpu_name().empty());
}

TEST(CoresTest, ReadsCpuMax) {
  EXPECT_EQ(cores_in_cpu_max("max 100000"), 0);
  EXPECT_EQ(cores_in_cpu_max("200000 100000"), 2);
  EXPECT_EQ(cores_in_cpu_max("150000 100000"), 2);
  EXPECT_EQ(cores_in_cpu_max("5000 100000"), 1);
  EXPECT_EQ(cores_in_cpu_max(""), 0);
  EXPECT_EQ(cores_in_cpu_max("x y"), 0);
  EXPECT_EQ(cores_in_cpu_max("100000 0"), 0);
  EXPECT_EQ(cores_in_cpu_max("-1 100000"), 0);
}

TEST(CoresTest, FindsTheQuotaOfACgroupAndItsParents) {
  const TemporaryFolder root;
  const auto write = [&](const std::string& name, const std::string& text) { root.file(name, text + "\n"); };
  const auto cores = [&](const std::string& membership) {
    write("membership", membership);
    return cores_in_cgroup(root.path("membership"), root.path());
  };
  EXPECT_EQ(cores("0::/"), 0) << "no limit anywhere";
  EXPECT_EQ(cores(""), 0);
  EXPECT_EQ(cores("nonsense"), 0);
  write("pods/one/cpu.max", "350000 100000");
  write("pods/cpu.max", "max 100000");
  EXPECT_EQ(cores("0::/pods/one"), 4);
  EXPECT_EQ(cores("0::/pods/one/deeper/still"), 4) << "a parent's quota holds for its children";
  EXPECT_EQ(cores("0::/pods/two"), 0);
  write("pods/cpu.max", "200000 100000");
  EXPECT_EQ(cores("0::/pods/one"), 2) << "the smallest counts";
  write("cpu.max", "100000 100000");
  EXPECT_EQ(cores("0::/"), 1);
  EXPECT_EQ(cores("0::/docker/only-the-host-sees-this"), 1) << "in a container the quota stands at the mount";
  std::filesystem::remove(root.path("cpu.max"));
  // Version 1: one tree a controller.
  write("cpu/batch/cpu.cfs_quota_us", "250000");
  write("cpu/batch/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cores("5:memory:/other\n4:cpu,cpuacct:/batch/job\n0::/"), 3);
  EXPECT_EQ(cores("4:cpuset:/batch"), 0);
  write("cpu/cpu.cfs_quota_us", "-1");
  write("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(cores("4:cpu,cpuacct:/"), 0) << "-1 is no limit";
}

TEST(CoresTest, FollowsAffinityAndOmpNumThreads) {
  const int all = usable_cores();
  EXPECT_GE(all, 1);
  {
    const ScopedVariable one("OMP_NUM_THREADS", "1");
    EXPECT_EQ(usable_cores(), 1);
  }
  {
    const ScopedVariable many("OMP_NUM_THREADS", "4096");
    EXPECT_EQ(usable_cores(), all);
  }
  {
    const ScopedVariable nested("OMP_NUM_THREADS", "1,4");
    EXPECT_EQ(usable_cores(), 1);
  }
  {
    const ScopedVariable nonsense("OMP_NUM_THREADS", "two");
    EXPECT_EQ(usable_cores(), all);
  }
  cpu_set_t before, single;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&single);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &single);
      break;
    }
  ASSERT_EQ(sched_setaffinity(0, sizeof(single), &single), 0);
  EXPECT_EQ(usable_cores(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(NewFile, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  const auto entries = [&] { return std::distance(std::filesystem::directory_iterator(folder.path()), {}); };
  const std::array<std::byte, 3> bytes{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  {
    NewFile abandoned(path);
    abandoned.write(bytes);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_EQ(entries(), 0);
  for (int round = 0; round < 2; ++round) {  // the second replaces the first
    NewFile file(path);
    file.write(bytes);
    file.fill(10'000);
    file.write(bytes);
    file.commit();
    EXPECT_EQ(std::filesystem::file_size(path), 10'003U);
  }
  EXPECT_EQ(entries(), 1);
  std::ifstream stream(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(content, "abc" + std::string(9'997, '\0') + "abc");
}

TEST(NewFile, AFullDiskIsReportedAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  // A limit on the size of files stands in for the end of the disk: write() fails in the same way.
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    NewFile file(path);
    file.fill(2000);
    file.commit();
  } catch (const InvalidInput& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, testing::AllOf(HasSubstr(path), HasSubstr("cannot write")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Prefetch, MapsPagesAndCanBeEndedAtAnyTime) {
  const TemporaryFolder folder;
  const auto file = MappedFile::open(folder.file("file", std::string(3'000'000, 'x')));
  for (int round = 0; round < 20; ++round) const Prefetch ended(file->bytes().subspan(5, 2'999'000));
  const Prefetch none{std::span<const std::byte>()};
  const Prefetch prefetch(file->bytes());
  EXPECT_EQ(file->bytes().back(), std::byte{'x'});
}

}  // namespace
}  // namespace wherry::base
