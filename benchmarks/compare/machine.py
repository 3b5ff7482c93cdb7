"""What the figures were measured on, for the head of the report."""
from __future__ import annotations

import datetime
import os
import pathlib
import platform

_FEATURES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX bf16",
             "asimd": "NEON", "bf16": "BF16", "sve": "SVE", "svebf16": "SVE BF16"}


def _cpu_lines() -> dict[str, str]:
    """/proc/cpuinfo of the first core."""
    lines: dict[str, str] = {}
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines():
            name, _, value = line.partition(":")
            lines[name.strip()] = value.strip()
    except OSError:
        pass
    return lines


def _caches() -> str:
    words = []
    for cache in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind, level, size = ((cache / name).read_text().strip() for name in ("type", "level", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            words.append(f"L{level} {size}")
    return ", ".join(words)


def _system() -> str:
    try:
        for line in pathlib.Path("/etc/os-release").read_text().splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.split("=", 1)[1].strip('"')
    except OSError:
        pass
    return platform.platform()


def describe() -> dict[str, str]:
    cpu = _cpu_lines()
    flags = set((cpu.get("flags") or cpu.get("Features") or "").split())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu.get("model name", platform.machine()),
        "cores": str(len(os.sched_getaffinity(0))),
        "instruction sets": ", ".join(title for flag, title in _FEATURES.items() if flag in flags),
        "caches": _caches(),
        "memory": f"{memory:.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}",
        "date": datetime.date.today().isoformat(),
    }
