"""What is drawn: the panels of a plot, as plain data for peers/plot.py."""
from __future__ import annotations

from typing import Any, Mapping, Sequence

from .ratios import ratios_of, spread
from .report import label, layer_title
from .workloads import Workload, counted

Panel = dict[str, Any]


def ratio_panels(document: Mapping[str, Any], workloads: Sequence[Workload]) -> list[Panel]:
    """A panel a workload; nothing for what did not run."""
    made: list[Panel] = []
    for workload in workloads:
        kept = document["workloads"].get(workload.name, {"rounds": []})
        rows = []
        several = len({entrant.threads for entrant in workload.entrants}) > 1
        for entrant in workload.entrants[1:]:
            value = spread(ratios_of(kept["rounds"], workload.entrants[0].key, entrant.key))
            if value:
                text = ", ".join([label(entrant, document["versions"]), entrant.precision, *([counted(entrant.threads, "thread")] if several else [])])
                rows.append({"label": text, "median": value.median, "least": value.least, "largest": value.largest})
        if rows:
            made.append({"title": workload.title, "rows": rows})
    return made


def layer_panels(document: Mapping[str, Any]) -> list[Panel]:
    """A panel a network and precision: each layer's per cent of the machine's peak."""
    made: list[Panel] = []
    for layers in document["layers"].values():
        if layers["peak_gflops"]:
            rows = [{"label": f"{row['layer']}  ×{row['count']}", "median": 100 * row["gflops"] / layers["peak_gflops"]}
                    for row in layers["layers"]]
            made.append({"title": layer_title(layers), "rows": rows})
    return made
