"""Cycles of a whole inference: each translation block's by llvm-mca, times its executions."""
from __future__ import annotations

import collections
import dataclasses

from . import assembly, pipeline, profile, symbols
from .profile import Block, Counts

COVERAGE = 0.99  # of the executed instructions are modelled; the rest is taken to run as they do


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    instructions: float
    cycles: float


@dataclasses.dataclass(frozen=True)
class Modelled:
    instructions: float
    coverage: float
    cycles: float  # of all instructions
    functions: list[Function]  # most cycles first


def by_instruction(counts: Counts) -> dict[str, float]:
    """Executions of each instruction."""
    executions: dict[str, float] = collections.defaultdict(float)
    for block, count in counts.items():
        for instruction in block.instructions:
            executions[instruction] += count
    return executions


def mix_of(counts: Counts) -> dict[str, float]:
    executions = by_instruction(counts)
    return assembly.mix(executions, assembly.disassembled(executions, "aarch64"))


def weightiest(counts: Counts, coverage: float) -> list[Block]:
    """The blocks that ran most instructions, until they make up this share of all."""
    wanted = coverage * profile.instructions_in(counts)
    chosen: list[Block] = []
    for block in sorted(counts, key=lambda one: counts[one] * len(one.instructions), reverse=True):
        if wanted <= 0:
            break
        chosen.append(block)
        wanted -= counts[block] * len(block.instructions)
    return chosen


def model(counts: Counts, core: pipeline.Core) -> Modelled:
    """Raises Failed."""
    whole = profile.joined(counts)
    total = profile.instructions_in(whole)
    chosen = weightiest(whole, COVERAGE)
    texts = assembly.disassembled((one for block in chosen for one in block.instructions), core.architecture)
    bodies = [[texts[one] for one in block.instructions if one in texts] for block in chosen]
    covered = sum(whole[block] * len(block.instructions) for block in chosen)
    instructions: dict[str, float] = collections.defaultdict(float)
    cycles: dict[str, float] = collections.defaultdict(float)
    for block, each in zip(chosen, pipeline.cycles(core, bodies)):
        name = symbols.function_at(block.place)
        instructions[name] += whole[block] * len(block.instructions)
        cycles[name] += whole[block] * each
    functions = [Function(name, instructions[name], cycles[name]) for name in sorted(cycles, key=lambda one: cycles[one], reverse=True)]
    return Modelled(total, covered / total, sum(cycles.values()) * total / covered, functions)
