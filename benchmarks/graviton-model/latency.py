"""From modelled cycles to modelled latency: a stated model of memory, cores and barriers. Pure arithmetic."""
from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Memory:
    """What is assumed of Graviton3. `single` and `socket`: bytes a second from DRAM, by one core and by all."""

    l2_bytes: int = 1 << 20
    single: float = 25e9
    socket: float = 300e9
    sustained: float = 0.8  # of the socket's, that is reached
    l3_single: float = 40e9
    barrier_seconds: Mapping[int, float] = dataclasses.field(default_factory=lambda: {1: 0.0, 4: 1e-6, 16: 2e-6})

    def dram(self, cores: int) -> float:
        return min(cores * self.single, self.socket * self.sustained)

    def l3(self, cores: int) -> float:
        return cores * self.l3_single


@dataclasses.dataclass(frozen=True)
class Latency:
    """Seconds. Memory and arithmetic of a step overlap in `overlapped`, follow each other in `in_turn`."""

    compute: float
    weights: float
    activations: float
    barriers: float
    overlapped: float

    @property
    def in_turn(self) -> float:
        return self.compute + self.weights + self.activations + self.barriers


def shares(steps: Sequence[Mapping[str, Any]]) -> list[float]:
    """Each step's part of the inference's cycles, taken to be that of its multiply-adds."""
    flops = sum(step["flops"] for step in steps)
    return [step["flops"] / flops if flops else 0.0 for step in steps]


def latency(cycles: float, hertz: float, steps: Sequence[Mapping[str, Any]], cores: int, memory: Memory) -> Latency:
    """Of one inference. Weights stream from DRAM once; a step's output that L2 does not hold is written to L3 and read again."""
    compute = cycles / hertz / cores
    weights = activations = overlapped = 0.0
    for step, share in zip(steps, shares(steps)):
        streamed = step["weight_bytes"] / memory.dram(cores)
        spilled = 2 * step["output_bytes"] if step["output_bytes"] > memory.l2_bytes * cores else 0
        moved = spilled / memory.l3(cores)
        weights += streamed
        activations += moved
        overlapped += max(share * compute, streamed + moved)
    barriers = len(steps) * memory.barrier_seconds[cores]
    return Latency(compute, weights, activations, barriers, overlapped + barriers)
