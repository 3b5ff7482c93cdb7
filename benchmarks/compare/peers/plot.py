"""Draws a comparison's ratios, or the layers' share of the machine's peak.

  python plot.py ratios|layers PANELS.json OUT.svg OUT.png     PANELS.json: what ../figures.py makes of the results
"""
from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

INK, MUTED, BAR = "#1f2430", "#8a8f98", "#3b6ea8"


def draw_ratios(axes: Any, rows: list[dict[str, Any]], at: list[int]) -> None:
    axes.axvline(1, color=MUTED, linewidth=1)
    for y, row in zip(at, rows):
        axes.plot([row["least"], row["largest"]], [y, y], color=BAR, linewidth=2, solid_capstyle="round")
        axes.plot([row["median"]], [y], "o", color=BAR, markersize=5)
        axes.annotate(f"{row['median']:.2f}", (row["largest"], y), xytext=(6, -3), textcoords="offset points", fontsize=7, color=INK)


def draw_layers(axes: Any, rows: list[dict[str, Any]], at: list[int]) -> None:
    axes.barh(at, [row["median"] for row in rows], color=BAR, height=0.7)


def draw(kind: str, panels: list[dict[str, Any]], outputs: list[str]) -> None:
    heights = [0.5 + 0.24 * len(panel["rows"]) for panel in panels]
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, 0.5 + sum(heights)), squeeze=False, sharex=True,
                                gridspec_kw={"height_ratios": heights}, layout="constrained")
    for one, panel in zip(axes[:, 0], panels):
        rows = panel["rows"]
        at = list(range(len(rows)))[::-1]
        one.set_title(panel["title"], loc="right", fontsize=9, color=INK)
        one.set_yticks(at, [row["label"] for row in rows], fontsize=8, color=INK)
        (draw_ratios if kind == "ratios" else draw_layers)(one, rows, at)
        one.set_ylim(-0.6, len(rows) - 0.4)
        one.tick_params(axis="both", length=0, labelsize=8)
        one.grid(axis="x", color="#e6e8eb", linewidth=0.8)
        one.set_axisbelow(True)
        for side in one.spines.values():
            side.set_visible(False)
    last = axes[-1, 0]
    if kind == "ratios":
        last.set_xlim(0, max(1.15, 1.1 * max(row["largest"] for panel in panels for row in panel["rows"])))
        last.set_xlabel("wherry's time ÷ the other's: median, least and largest of the rounds; lower is better", fontsize=8, color=INK)
    else:
        last.set_xlim(0, 100)
        last.set_xlabel("per cent of the measured peak", fontsize=8, color=INK)
    for output in outputs:
        figure.savefig(output, dpi=150, metadata={"Date": None} if output.endswith(".svg") else None)


def main(kind: str, path: str, outputs: list[str]) -> None:
    with open(path) as file:
        panels = json.load(file)
    plt.rcParams["svg.hashsalt"] = "wherry"  # the same figures give the same file
    draw(kind, panels, outputs)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
