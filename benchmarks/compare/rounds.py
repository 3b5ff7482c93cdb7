"""The measuring itself: rounds in which every entrant runs once, each in a process of its own."""
from __future__ import annotations

from typing import Any, Callable, Mapping

from .processes import Failed
from .ratios import rotated
from .results import Results
from .workloads import Entrant, Workload

Time = Callable[[Workload, Entrant], Mapping[str, Any]]  # runs one process; raises Failed


def run_rounds(workload: Workload, rounds: int, time: Time, results: Results, step: Callable[[str], None],
               unable: Mapping[str, str]) -> None:
    """Fills results' workload up to `rounds` rounds. `unable`: keys of entrants that cannot run here, with the reason.

    An entrant that fails is left out of the workload's further rounds; its reason stands in the tables.
    """
    kept = results.workload(workload.name)
    kept["not_run"] = dict(unable)
    by_key = {entrant.key: entrant for entrant in workload.entrants}
    while len(kept["rounds"]) < rounds:
        kept["rounds"].append({})
    for index, one_round in enumerate(kept["rounds"]):
        for key in rotated(list(by_key), index):
            if key in one_round or key in kept["not_run"] or index >= rounds:
                continue
            try:
                one_round[key] = dict(time(workload, by_key[key]))
                step(f"{workload.name}  round {index + 1}/{rounds}  {key}: {one_round[key]['p50_ms']:.2f} ms")
            except Failed as error:
                kept["not_run"][key] = str(error)
                step(f"{workload.name}  {key}: not run: {error}")
            results.save()
