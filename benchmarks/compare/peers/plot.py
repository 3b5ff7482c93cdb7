"""Draws a comparison's ratios, and the layers' share of the machine's peak, from its JSON file.

  python plot.py SERIES.json OUT.svg OUT.png     SERIES.json: what ../figures.py makes of the results
"""
from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

INK, MUTED, BAR = "#1f2430", "#8a8f98", "#3b6ea8"


def draw_panel(axes: Any, panel: dict[str, Any]) -> None:
    rows = panel["rows"]
    at = list(range(len(rows)))[::-1]
    axes.set_title(panel["title"], loc="left", fontsize=9, color=INK)
    axes.set_yticks(at, [row["label"] for row in rows], fontsize=8, color=INK)
    if panel["kind"] == "ratios":
        axes.axvline(1, color=MUTED, linewidth=1)
        for y, row in zip(at, rows):
            axes.plot([row["least"], row["largest"]], [y, y], color=BAR, linewidth=2, solid_capstyle="round")
            axes.plot([row["median"]], [y], "o", color=BAR, markersize=5)
            axes.annotate(f"{row['median']:.2f}", (row["largest"], y), xytext=(6, -3), textcoords="offset points", fontsize=7, color=INK)
        axes.set_xlim(0, max(1.15, 1.1 * max(row["largest"] for row in rows)))
        axes.set_xlabel("wherry's time ÷ the other's, lower is better", fontsize=8, color=INK)
    else:
        axes.barh(at, [row["median"] for row in rows], color=BAR, height=0.7)
        axes.set_xlim(0, 100)
        axes.set_xlabel("per cent of the measured peak", fontsize=8, color=INK)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="both", length=0, labelsize=8)
    axes.grid(axis="x", color="#e6e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def main(series: str, outputs: list[str]) -> None:
    with open(series) as file:
        panels = json.load(file)
    heights = [0.9 + 0.24 * len(panel["rows"]) for panel in panels]
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, sum(heights)), squeeze=False,
                                gridspec_kw={"height_ratios": heights}, layout="constrained")
    for one, panel in zip(axes[:, 0], panels):
        draw_panel(one, panel)
    plt.rcParams["svg.hashsalt"] = "wherry"  # the same figures give the same file
    for output in outputs:
        figure.savefig(output, dpi=150, metadata={"Date": None} if output.endswith(".svg") else None)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
