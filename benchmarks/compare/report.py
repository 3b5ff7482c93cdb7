"""The Markdown of a comparison, by itself and within documents that have places for it."""
from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from .ratios import Spread, ratios_of, spread, times_of
from .workloads import ENGINES, TASKS, Entrant, Workload, counted


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
    return engine.title.format(version=versions.get(engine.package, "")).replace("  ", " ").strip()


def workload_table(workload: Workload, kept: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    subject, rows = workload.entrants[0].key, []
    several = len({entrant.threads for entrant in workload.entrants}) > 1
    for entrant in workload.entrants:
        times = times_of(kept["rounds"], entrant.key)
        answers = [one[entrant.key] for one in kept["rounds"] if entrant.key in one]
        cells = [label(entrant, versions) + (f", {counted(entrant.threads, 'thread')}" if several else ""), entrant.precision]
        if not times:
            rows.append([*cells, "not run: " + kept["not_run"].get(entrant.key, "no round yet"), "", "", ""])
            continue
        against = None if entrant.key == subject else spread(ratios_of(kept["rounds"], subject, entrant.key))
        rows.append([*cells, milliseconds(spread(times)), ratio(against), *checked(workload, answers[0], spread(times))])
    head = ["engine", "precision", "ms", "wherry ÷ it: median (least to largest)"]
    return markdown_table([*head, *(["lines a second", "same labels"] if in_lines(workload) else ["1 − cosine", "largest error"])], rows)


def in_lines(workload: Workload) -> bool:
    return bool(workload.task) and TASKS[workload.task].lines > 1


def checked(workload: Workload, answer: Mapping[str, float], times: Spread) -> list[str]:
    """The last two cells."""
    if in_lines(workload):
        return [f"{TASKS[workload.task].lines / times.median * 1e3:.0f}", f"{answer['same']} of {answer['of']}" if "same" in answer else ""]
    return [f"{1 - answer['cosine']:.1e}" if "cosine" in answer else "", f"{answer['max_error']:.1e}" if "max_error" in answer else ""]


def stopped(workload: Workload, kept: Mapping[str, Any], versions: Mapping[str, str]) -> list[str]:
    """A line for each entrant that ran some rounds and then failed."""
    lines = []
    for entrant in workload.entrants:
        count = len(times_of(kept["rounds"], entrant.key))
        if count and entrant.key in kept["not_run"]:
            lines.append(f"{label(entrant, versions)} stopped after {counted(count, 'round')}: {kept['not_run'][entrant.key]}\n")
    return lines


def layer_table(layers: Mapping[str, Any]) -> str:
    """Of what `convolution_bench --json` printed. "Lost": time beyond what the layer would take at the machine's peak."""
    total = sum(row["microseconds"] * row["count"] for row in layers["layers"])
    rows = []
    for row in layers["layers"]:
        time = row["microseconds"] * row["count"]
        of_peak = row["gflops"] / layers["peak_gflops"] if layers["peak_gflops"] else None
        rows.append([row["layer"], str(row["count"]), row["kernel"], f"{row['microseconds']:.0f}", f"{row['gflops']:.0f}",
                     "" if of_peak is None else f"{100 * of_peak:.0f} %", f"{row['weight_gigabytes_per_second']:.1f}",
                     f"{100 * time / total:.0f} %", "" if of_peak is None else f"{time * (1 - of_peak):.0f}"])
    head = ["layer", "times", "kernel", "µs each", "GFLOP/s", "of peak", "weights, GB/s", "of the time", "lost, µs"]
    return markdown_table(head, rows)


def layer_title(layers: Mapping[str, Any]) -> str:
    text = (f"{layers['network']}, batch {layers['batch']}, {layers['precision']}, {layers['isa']}, {counted(layers['threads'], 'thread')}: "
            f"{layers['median_ms']:.2f} ms, {layers['gflops']:.0f} GFLOP/s")
    return text + (f" of {layers['peak_gflops']:.0f} = {100 * layers['gflops'] / layers['peak_gflops']:.0f} %" if layers["peak_gflops"] else "")


def machine_table(document: Mapping[str, Any]) -> str:
    rows = [[name, value] for name, value in document["machine"].items()]
    return markdown_table(["", ""], [*rows, ["versions", ", ".join(f"{name} {value}" for name, value in document["versions"].items())]])


def tables(document: Mapping[str, Any], workloads: Sequence[Workload]) -> dict[str, str]:
    """"machine", workload's name, or "layers NETWORK PRECISION" -> Markdown with its table."""
    versions = document["versions"]
    made = {"machine": machine_table(document)}
    for workload in workloads:
        kept = document["workloads"].get(workload.name)
        if kept:
            made[workload.name] = "\n".join([f"**{workload.title}** ({counted(len(kept['rounds']), 'round')}; `--only {workload.name}`)\n",
                                             workload_table(workload, kept, versions), *stopped(workload, kept, versions)])
    for key, layers in document["layers"].items():
        made[f"layers {key}"] = f"**{layer_title(layers)}**\n\n" + layer_table(layers)
    return made


def fill(text: str, made: Mapping[str, str]) -> tuple[str, list[str]]:
    """A document with each "<!-- table: NAME -->" … "<!-- end -->" that `made` has filled anew, and the names filled."""
    filled: list[str] = []

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in made:
            return match.group(0)
        filled.append(name)
        return f"<!-- table: {name} -->\n{made[name]}<!-- end -->"

    return re.sub(r"<!-- table: (.*?) -->\n.*?<!-- end -->", replacement, text, flags=re.DOTALL), filled


def report(document: Mapping[str, Any], workloads: Sequence[Workload]) -> str:
    """All tables, with what they were measured on."""
    return "\n".join(["# wherry and its peers\n", f"`{document['command']}`\n", *tables(document, workloads).values()])
