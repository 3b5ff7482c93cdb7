"""What is drawn: the panels of a plot, as plain data for peers/plot.py."""
from __future__ import annotations

from typing import Any, Mapping, Sequence

from .ratios import ratios_of, spread
from .report import label, layer_title
from .workloads import Workload

Panel = dict[str, Any]


def panels(document: Mapping[str, Any], workloads: Sequence[Workload]) -> list[Panel]:
    """A panel a workload with its ratios, and one a network with its layers; nothing for what did not run."""
    made: list[Panel] = []
    for workload in workloads:
        kept = document["workloads"].get(workload.name, {"rounds": []})
        rows = []
        for entrant in workload.entrants[1:]:
            value = spread(ratios_of(kept["rounds"], workload.entrants[0].key, entrant.key))
            if value:
                text = f"{label(entrant, document['versions'])}, {entrant.precision}, {entrant.threads}t"
                rows.append({"label": text, "median": value.median, "least": value.least, "largest": value.largest})
        if rows:
            made.append({"kind": "ratios", "title": workload.title, "rows": rows})
    for layers in document["layers"].values():
        if layers["peak_gflops"]:
            rows = [{"label": f"{row['layer']}  ×{row['count']}", "median": 100 * row["gflops"] / layers["peak_gflops"]}
                    for row in layers["layers"]]
            made.append({"kind": "layers", "title": layer_title(layers), "rows": rows})
    return made
