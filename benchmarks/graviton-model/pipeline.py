"""Cycles of straight-line code that repeats, by LLVM's model of a core's pipeline (llvm-mca). Operands come from L1."""
from __future__ import annotations

import dataclasses
import json
import subprocess
from typing import Iterator, Sequence

from compare.processes import Failed

ITERATIONS = 60
REGIONS = 400  # of one process


@dataclasses.dataclass(frozen=True)
class Core:
    """A core that LLVM models. `dispatch`: instructions a cycle that its front end delivers, where LLVM's figure is the back end's."""

    title: str
    architecture: str
    name: str  # LLVM's
    dispatch: int | None = None
    vector_bits: int = 128  # of SVE
    fp32_macs: int = 0  # a cycle, at most
    bf16_macs: int = 0


def code_of(bodies: Sequence[Sequence[str]]) -> str:
    lines = []
    for number, body in enumerate(bodies):
        lines += [f"# LLVM-MCA-BEGIN r{number}", *body, f"# LLVM-MCA-END r{number}"]
    return "\n".join(lines) + "\n"


def total_cycles(printed: str) -> list[int]:
    """Of each region, in order, of llvm-mca's JSON."""
    regions = json.loads(printed[printed.index("{"):])["CodeRegions"]
    return [region["SummaryView"]["TotalCycles"] for region in regions]


def steady(once: Sequence[int], twice: Sequence[int], iterations: int) -> list[float]:
    """Cycles of an iteration once the pipeline is full: what as many iterations again add."""
    return [(after - before) / iterations for before, after in zip(once, twice)]


def run(core: Core, code: str, iterations: int) -> list[int]:
    command = ["llvm-mca-19", f"-march={core.architecture.replace('_', '-')}", f"-mcpu={core.name}", "--json", f"--iterations={iterations}",
               "--instruction-info=0", "--resource-pressure=0", "--call-latency=1", "--skip-unsupported-instructions=any",
               *([f"--dispatch={core.dispatch}"] if core.dispatch else []), "-"]
    if core.architecture == "aarch64":
        command.insert(3, "--mattr=+all")
    try:
        done = subprocess.run(command, input=code, capture_output=True, text=True, timeout=1800)
    except FileNotFoundError as error:
        raise Failed("llvm-mca-19: no such program; scripts/install_dependencies.sh ci installs it") from error
    if done.returncode:
        raise Failed(f"llvm-mca-19: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return total_cycles(done.stdout)


def chunks(bodies: Sequence[Sequence[str]]) -> Iterator[Sequence[Sequence[str]]]:
    for first in range(0, len(bodies), REGIONS):
        yield bodies[first:first + REGIONS]


def cycles(core: Core, bodies: Sequence[Sequence[str]]) -> list[float]:
    """Cycles an iteration of each body, repeated without end. Raises Failed."""
    found: list[float] = []
    for part in chunks(bodies):
        code = code_of(part)
        found += steady(run(core, code, ITERATIONS), run(core, code, 2 * ITERATIONS), ITERATIONS)
    return found
