// QEMU user-mode plugin: how often each translation block ran between the guest's two calls getpriority(kMark, 0), and
// its instructions. Written with the process's memory map to the file that out= names, which profile.py reads. Exact
// where one thread runs: counters are not atomic.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Version 1 of QEMU's plugin API, as far as it is needed: Debian ships no header for it.
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);
void* qemu_plugin_insn_haddr(const struct qemu_plugin_insn* instruction);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*call)(qemu_plugin_id_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, enum qemu_plugin_op op, void* counter,
                                              uint64_t amount);
typedef void (*on_syscall)(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                           uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, on_syscall call);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

// One translation. The same code may be translated again, which makes another.
struct block {
  struct block* next;
  uint64_t executions;
  const void* address;  // in this process, as the memory map has it
  char hex[];           // its instructions, a space before each
};

static struct block* blocks;  // QEMU translates under a lock
static const char* output;
static int marks;
static const uint64_t kMark = 0x77686572;  // no process priority is asked for by this number

static void* allocated(size_t size) {
  void* memory = malloc(size);
  if (!memory) {
    fputs("block_counts: out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* translated) {
  const size_t count = qemu_plugin_tb_n_insns(translated);
  size_t length = 1;
  for (size_t i = 0; i < count; ++i) length += 1 + 2 * qemu_plugin_insn_size(qemu_plugin_tb_get_insn(translated, i));
  struct block* block = allocated(sizeof *block + length);
  block->executions = 0;
  block->address = qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(translated, 0));
  char* hex = block->hex;
  for (size_t i = 0; i < count; ++i) {
    const struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(translated, i);
    const uint8_t* bytes = qemu_plugin_insn_data(instruction);
    *hex++ = ' ';
    for (size_t b = 0; b < qemu_plugin_insn_size(instruction); ++b) hex += sprintf(hex, "%02x", bytes[b]);
  }
  *hex = '\0';
  block->next = blocks;
  blocks = block;
  qemu_plugin_register_vcpu_tb_exec_inline(translated, QEMU_PLUGIN_INLINE_ADD_U64, &block->executions, 1);
}

static void write_map(FILE* to) {
  FILE* map = fopen("/proc/self/maps", "r");
  char line[4352];
  while (map && fgets(line, sizeof line, map)) fprintf(to, "map %s", line);
  if (map) fclose(map);
}

static void write_counts(void) {
  FILE* file = fopen(output, "w");
  if (!file) {
    perror(output);
    exit(1);
  }
  write_map(file);
  for (const struct block* block = blocks; block; block = block->next)
    if (block->executions) fprintf(file, "block %p %" PRIu64 "%s\n", block->address, block->executions, block->hex);
  fclose(file);
}

static void on_mark(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                    uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  if (a1 != kMark) return;
  if (++marks == 1)
    for (struct block* block = blocks; block; block = block->next) block->executions = 0;
  else if (marks == 2)
    write_counts();
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
  for (int i = 0; i < argc; ++i)
    if (!strncmp(argv[i], "out=", 4)) output = strdup(argv[i] + 4);
  if (!output) {
    fputs("block_counts: out=FILE says where the counts go\n", stderr);
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_vcpu_syscall_cb(id, on_mark);
  return 0;
}
