"""Runs a program in QEMU with the counting plugin: one inference's translation blocks."""
from __future__ import annotations

import pathlib
from typing import Mapping, Sequence

from compare.processes import Failed, output_of

from . import profile

HERE = pathlib.Path(__file__).resolve().parent
PLUGIN = HERE / "emulated/block_counts.c"


def plugin_in(folder: pathlib.Path) -> pathlib.Path:
    """The plugin, built where its source is newer. Raises Failed."""
    library = folder / "block_counts.so"
    if not library.exists() or library.stat().st_mtime < PLUGIN.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        output_of(["cc", "-O2", "-shared", "-fPIC", PLUGIN, "-o", library])
    return library


def counted(folder: pathlib.Path, architecture: str, cpu: str, command: Sequence[str | pathlib.Path], counts: pathlib.Path,
            environment: Mapping[str, str | None], timeout: float = 7200) -> str:
    """Runs the command, which marks one inference; writes its blocks to `counts`. Returns what it printed. Raises Failed."""
    partial = counts.with_suffix(".partial")
    counts.parent.mkdir(parents=True, exist_ok=True)
    printed = output_of([f"qemu-{architecture}", "-cpu", cpu, "-plugin", f"{plugin_in(folder)},out={partial}", *command], environment, timeout)
    if not profile.read(partial):
        raise Failed(f"{command[0]}: ran without marking an inference")
    partial.replace(counts)
    return printed
