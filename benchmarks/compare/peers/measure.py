"""How every process measures: single calls, one after the other, after a warm-up."""
from __future__ import annotations

import time
from typing import Any, Callable


def measure(infer: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Single calls for `seconds`, at least five; before them a warm-up of ten, or three where ten take longer than that."""
    times: list[float] = []

    def repeat(enough: int, least: int) -> None:
        end = time.perf_counter() + seconds
        times.clear()
        while len(times) < least or (len(times) < enough and time.perf_counter() < end):
            start = time.perf_counter()
            infer()
            times.append((time.perf_counter() - start) * 1e3)

    repeat(10, 3)
    repeat(1_000_000, 5)
    mean = sum(times) / len(times)
    times.sort()

    def at(quantile: float) -> float:
        return round(times[min(len(times) - 1, int(len(times) * quantile))], 4)

    return {"runs": len(times), "mean_ms": round(mean, 4), "min_ms": at(0), "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99)}
