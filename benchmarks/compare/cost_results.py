"""A comparison's figures in the form that `wherry cost` reads: one result a workload and entrant, medians of its rounds."""
from __future__ import annotations

import statistics
from typing import Any, Mapping, Sequence

from .ratios import Round
from .workloads import ENGINES, TASKS, Entrant, Workload

SCHEMA = "wherry.result/1"


def elements(workload: Workload) -> int:
    """Inferences in one call: elements of the batch, or lines of text."""
    return TASKS[workload.task].lines if workload.task else workload.batch


def throughput(workload: Workload, one: Mapping[str, float]) -> float | None:
    """What a process did a second; None of those that older versions of this comparison timed."""
    if "throughput_per_s" in one:
        return one["throughput_per_s"]
    return 1e3 * elements(workload) / one["mean_ms"] if "mean_ms" in one else None


def result(document: Mapping[str, Any], workload: Workload, entrant: Entrant, rounds: Sequence[Round]) -> dict[str, Any] | None:
    """None for an entrant that did not run."""
    ran = [one[entrant.key] for one in rounds if entrant.key in one]
    rates = [rate for rate in (throughput(workload, one) for one in ran) if rate is not None]
    if not rates or len(rates) < len(ran):
        return None
    engine, machine = ENGINES[entrant.engine], document["machine"]
    return {
        "schema": SCHEMA, "basis": "measured", "date": machine["date"],
        "engine": {"name": engine.product, "version": document["versions"].get(engine.package, "").split(" ")[0], "mode": engine.mode},
        "machine": {"cpu": machine["cpu"], "cores": int(machine["cores"]), "memory_bytes": int(machine["memory"].split()[0]) * 2**30},
        "name": " ".join([workload.model, *([workload.task] if workload.task else [])]),
        "batch": elements(workload), "sequence": workload.tokens or None, "precision": entrant.precision, "threads": entrant.threads,
        "isa": "avx2" if workload.avx2 else None, "rounds": len(ran),
        "p50_ms": statistics.median(one["p50_ms"] for one in ran), "p90_ms": statistics.median(one["p90_ms"] for one in ran),
        "throughput_per_s": statistics.median(rates),
    }


def cost_results(document: Mapping[str, Any], workloads: Sequence[Workload]) -> list[dict[str, Any]]:
    """Each once, though several workloads may have the same entrant: the first counts."""
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for workload in workloads:
        kept = document["workloads"].get(workload.name, {"rounds": []})
        for entrant in workload.entrants:
            one = result(document, workload, entrant, kept["rounds"])
            if one:
                identity = (one["name"], one["batch"], one["sequence"], one["isa"], entrant.key)
                made.setdefault(identity, one)
    return list(made.values())
