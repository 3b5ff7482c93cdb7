"""What is made of the measured times: medians of rounds, and ratios within each round. Pure arithmetic."""
from __future__ import annotations

import dataclasses
import statistics
from typing import Mapping, Sequence

Round = Mapping[str, Mapping[str, float]]  # entrant's key -> what its process reported: p50_ms, …


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median, the least and the largest, of `count` rounds."""

    median: float
    least: float
    largest: float
    count: int


def spread(values: Sequence[float]) -> Spread | None:
    """None for no values."""
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values), len(values))


def times_of(rounds: Sequence[Round], key: str) -> list[float]:
    """The entrant's median inference, in ms, of each round in which it ran."""
    return [one[key]["p50_ms"] for one in rounds if key in one]


def ratios_of(rounds: Sequence[Round], subject: str, other: str) -> list[float]:
    """subject ÷ other in each round in which both ran: what was measured far apart is never compared."""
    return [one[subject]["p50_ms"] / one[other]["p50_ms"] for one in rounds if subject in one and other in one]


def rotated(keys: Sequence[str], round_index: int) -> list[str]:
    """The order of a round: each round another entrant goes first, so none is always measured after the same one."""
    if not keys:
        return []
    first = round_index % len(keys)
    return [*keys[first:], *keys[:first]]
