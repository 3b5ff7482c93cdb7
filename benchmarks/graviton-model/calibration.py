"""The method's error: the same modelling on this x86 machine, where a clock can be asked too."""
from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Callable

from compare.bench import Bench
from compare.processes import Failed, output_of

from . import emulator, modelling, profile
from .counting import build, inference_command
from .pipeline import Core
from .workloads import workload_of

MODELS = ("resnet50", "mobilenet_v2", "distilbert")
ENVIRONMENT: dict[str, str | None] = {"WHERRY_FORCE_ISA": "avx2", "WHERRY_TUNING": "", "OMP_NUM_THREADS": "1"}
# /proc/cpuinfo's vendor, family and model -> LLVM's model of the pipeline
_CORES = {("GenuineIntel", 6, 143): "sapphirerapids", ("GenuineIntel", 6, 207): "sapphirerapids", ("GenuineIntel", 6, 106): "icelake-server",
          ("GenuineIntel", 6, 85): "skylake-avx512", ("AuthenticAMD", 25, 17): "znver4"}
_FAMILIES = {("AuthenticAMD", 23): "znver2", ("AuthenticAMD", 25): "znver3", ("AuthenticAMD", 26): "znver4"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    model: str
    core: str
    hertz: float
    instructions: float
    coverage: float
    modelled: float  # cycles
    measured: float


def core_of(cpuinfo: str) -> str:
    """LLVM's name of the core in /proc/cpuinfo. Raises Failed."""
    fields = dict((part.strip() for part in line.split(":", 1)) for line in cpuinfo.split("\n\n")[0].splitlines() if ":" in line)
    try:
        vendor, family, model = fields["vendor_id"], int(fields["cpu family"]), int(fields["model"])
    except KeyError as error:
        raise Failed("/proc/cpuinfo names no x86 core, and the error is estimated on one") from error
    found = _CORES.get((vendor, family, model)) or _FAMILIES.get((vendor, family))
    if not found:
        raise Failed(f"LLVM's model of {vendor} family {family} model {model} is not known; calibration.py lists those that are")
    return found


def clock(folder: pathlib.Path, prefix: list[str]) -> float:
    program = folder / "clock"
    output_of(["cc", "-O2", emulator.HERE / "emulated/clock.c", "-o", program])
    return float(output_of([*prefix, program]))


def pinned() -> list[str]:
    """To one core, and before all other processes where that is permitted."""
    core = ["taskset", "-c", str(max(os.sched_getaffinity(0)))]
    try:
        output_of(["chrt", "-f", "50", "true"])
    except Failed:
        return core
    return [*core, "chrt", "-f", "50"]


def compare(folder: pathlib.Path, bench: Bench, model: str, seconds: float, say: Callable[[str], None]) -> Comparison:
    """One thread, fp32, AVX2, which QEMU has. Raises Failed."""
    name = core_of(pathlib.Path("/proc/cpuinfo").read_text())
    program = build("release")
    bench.export(workload_of(model))
    command = inference_command(program, bench.file(workload_of(model)), model, "fp32")
    counts = folder / "counts" / f"x86-{model}.txt"
    say(f"counting {model} on x86")
    emulator.counted(folder, "x86_64", "max", command, counts, ENVIRONMENT)
    modelled = modelling.model(profile.read(counts), Core(name, "x86_64", name))
    say(f"timing {model}")
    prefix = pinned()
    cycles = []
    for _ in range(3):  # the clock may change between
        hertz = clock(folder, prefix)
        cycles.append((json.loads(output_of([*prefix, *command, "--seconds", str(seconds)], ENVIRONMENT))["min_ms"] * 1e-3 * hertz, hertz))
    measured, hertz = min(cycles)
    return Comparison(model, name, hertz, modelled.instructions, modelled.coverage, modelled.cycles, measured)
