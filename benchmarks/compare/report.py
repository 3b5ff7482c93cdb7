"""The Markdown of a comparison: docs/performance.md's tables are these."""
from __future__ import annotations

from typing import Any, Mapping, Sequence

from .ratios import Spread, ratios_of, spread, times_of
from .workloads import ENGINES, Entrant, Workload


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def milliseconds(value: Spread | None) -> str:
    return "" if value is None else f"{value.median:.2f}"


def ratio(value: Spread | None) -> str:
    """ "0.982 (0.961 to 1.003)" """
    return "" if value is None else f"{value.median:.3f} ({value.least:.3f} to {value.largest:.3f})"


def label(entrant: Entrant, versions: Mapping[str, str]) -> str:
    engine = ENGINES[entrant.engine]
    number = versions.get(engine.package, "")
    first, comma, rest = engine.title.partition(",")
    return first if entrant.engine == "wherry" else f"{first} {number}{comma}{rest}"


def workload_table(workload: Workload, kept: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    subject, rows = workload.entrants[0].key, []
    several = len({entrant.threads for entrant in workload.entrants}) > 1
    for entrant in workload.entrants:
        times = times_of(kept["rounds"], entrant.key)
        answers = [one[entrant.key] for one in kept["rounds"] if entrant.key in one]
        cells = [label(entrant, versions) + (f", {entrant.threads} threads" if several else ""), entrant.precision]
        if not times:
            rows.append([*cells, "not run: " + kept["not_run"].get(entrant.key, "no round yet"), "", "", ""])
            continue
        against = None if entrant.key == subject else spread(ratios_of(kept["rounds"], subject, entrant.key))
        check = answers[0]
        rows.append([*cells, milliseconds(spread(times)), ratio(against),
                     f"{1 - check['cosine']:.1e}" if "cosine" in check else "", f"{check['max_error']:.1e}" if "max_error" in check else ""])
    head = ["engine", "precision", "ms", "wherry ÷ it: median (least to largest)", "1 − cosine", "largest error"]
    return markdown_table(head, rows)


def layer_table(layers: Mapping[str, Any]) -> str:
    """Of what `convolution_bench --json` printed; the layers furthest from the peak that cost most time come out by the last column."""
    total = sum(row["microseconds"] * row["count"] for row in layers["layers"])
    rows = []
    for row in layers["layers"]:
        share = row["microseconds"] * row["count"] / total
        peak = layers["peak_gflops"]
        rows.append([row["layer"], str(row["count"]), row["kernel"], f"{row['microseconds']:.0f}", f"{row['gflops']:.0f}",
                     f"{100 * row['gflops'] / peak:.0f} %" if peak else "", f"{row['weight_gigabytes_per_second']:.1f}", f"{100 * share:.0f} %"])
    return markdown_table(["layer", "times", "kernel", "µs each", "GFLOP/s", "of peak", "weights, GB/s", "of the time"], rows)


def layer_title(layers: Mapping[str, Any]) -> str:
    text = (f"{layers['network']}, batch {layers['batch']}, {layers['precision']}, {layers['isa']}, {layers['threads']} threads: "
            f"{layers['median_ms']:.2f} ms, {layers['gflops']:.0f} GFLOP/s")
    return text + (f" of {layers['peak_gflops']:.0f} = {100 * layers['gflops'] / layers['peak_gflops']:.0f} %" if layers["peak_gflops"] else "")


def report(document: Mapping[str, Any], workloads: Sequence[Workload]) -> str:
    versions = document["versions"]
    parts = ["# wherry and its peers\n", ", ".join(f"{name}: {value}" for name, value in document["machine"].items()) + "\n",
             ", ".join(f"{name} {value}" for name, value in versions.items()) + "\n", f"`{document['command']}`\n"]
    for workload in workloads:
        kept = document["workloads"].get(workload.name)
        if kept:
            parts += [f"## {workload.title}\n", workload_table(workload, kept, versions),
                      f"{len(kept['rounds'])} rounds; `--only {workload.name}`\n"]
    for layers in document["layers"].values():
        parts += [f"## Layers: {layer_title(layers)}\n", layer_table(layers)]
    return "\n".join(parts)
