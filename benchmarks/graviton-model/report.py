"""The tables, by name, for the report and for documents that have places for them."""
from __future__ import annotations

import pathlib
import re
from typing import Mapping, Sequence

from compare.peers.models import MODELS
from compare.report import markdown_table

from .assembly import KINDS
from .calibration import Comparison
from .counting import Counted
from .latency import Memory, latency
from .loops import FewRows, Loop, peak_of
from .modelling import Modelled
from .pipeline import Core
from .profile import instructions_in
from .workloads import GRAVITON3, SIDE_BY_SIDE, Case, Layer, Machine

ENGINES = {"wherry": "wherry", "torch": "PyTorch"}
CORES = (1, 4, 16)


def million(value: float, digits: int = 1) -> str:
    return f"{value / 1e6:.{digits}f}"


def title(case: Case) -> str:
    return f"{MODELS[case.model].title}, {case.precision}"


def counts_table(counted: Mapping[Case, Counted]) -> str:
    """Counted: millions of instructions of an inference, side by side where both were counted."""
    rows = []
    for model, precision in SIDE_BY_SIDE:
        both = [counted.get(Case(engine, model, precision)) for engine in ("wherry", "torch")]
        if None in both:
            continue
        ours, theirs = (instructions_in(one.blocks) for one in both)
        rows.append([title(Case("wherry", model, precision)), million(ours), million(theirs), f"{ours / theirs:.2f}"])
    return markdown_table(["model", "wherry, million", "PyTorch, million", "wherry ÷ PyTorch"], rows)


def mix_table(mixes: Mapping[Case, Mapping[str, float]]) -> str:
    """Counted: what those instructions are, on the machine where both engines were counted."""
    rows = [[title(case), ENGINES[case.engine], *(million(mix[kind]) for kind in KINDS)] for case, mix in mixes.items()
            if case.machine == GRAVITON3]
    return markdown_table(["model", "engine", *(f"{kind}, million" for kind in KINDS)], rows)


def macs_of(counted: Counted) -> float:
    return sum(step["flops"] for step in counted.printed["steps"]) / 2


def cycles_table(modelled: Mapping[Case, Modelled], macs: Mapping[str, float]) -> str:
    """Modelled: cycles of a core, with all operands in L1."""
    rows = []
    for case, one in modelled.items():
        core = case.machine.core
        peak = core.bf16_macs if case.precision == "bf16" else core.fp32_macs
        share = f"{100 * macs[case.model] / (one.cycles * peak):.0f} %" if case.model in macs else ""
        rows.append([title(case), f"{case.machine.title}, {core.title}", ENGINES[case.engine], million(one.instructions), million(one.cycles),
                     f"{one.instructions / one.cycles:.2f}", share, f"{100 * one.coverage:.1f} %"])
    return markdown_table(["model", "machine, core", "engine", "instructions, million", "cycles, million", "instructions a cycle",
                           "of the precision's peak", "of the instructions modelled"], rows)


def shortened(name: str, length: int = 90) -> str:
    """A function's name without what C++ puts around it, fit for a table."""
    name = re.sub(r"\(anonymous namespace\)::|wherry::(kernels::)?", "", name)
    name = re.sub(r"\((?!anonymous).*$", "", name).replace("|", "\\|").replace("`", "")
    return name if len(name) <= length else name[: length - 1] + "…"


def functions_table(modelled: Modelled, count: int = 15, digits: int = 1) -> str:
    rows = [[f"`{shortened(one.name)}`", million(one.instructions, digits), million(one.cycles, digits), f"{100 * one.cycles / modelled.cycles:.0f} %"]
            for one in modelled.functions[:count] if one.cycles >= 0.005 * modelled.cycles]
    return markdown_table(["function", "instructions, million", "cycles, million", "of all cycles"], rows)


def convolutions_table(layers: Mapping[Layer, Modelled]) -> str:
    """Modelled: a convolution among others, with all that it takes."""
    rows = []
    for layer, one in layers.items():
        rate, peak = layer.macs / one.cycles, layer.machine.core.bf16_macs
        rows.append([layer.title, ENGINES[layer.engine], million(layer.macs), million(one.instructions, 2), million(one.cycles, 3),
                     f"{rate:.1f} ({100 * rate / peak:.0f} %)"])
    return markdown_table(["convolution", "engine", "multiply-adds, million", "instructions, million", "cycles, million", "multiply-adds a cycle"], rows)


Timed = tuple[Loop, Mapping[Core, float]]  # cycles of an iteration


def best_of_families(loops: Sequence[Timed], core: Core) -> list[Timed]:
    """Of a kernel's variants, the one that multiplies most a cycle on this core."""
    best: dict[tuple[str, str], Timed] = {}
    for one in loops:
        kept = best.get(one[0].family)
        if core in one[1] and (not kept or better(kept, core) < better(one, core)):
            best[one[0].family] = one
    return list(best.values())


def rate(timed: Timed, core: Core) -> float:
    return timed[0].macs(core.vector_bits) / timed[1][core]


def better(timed: Timed, core: Core) -> tuple[float, int]:
    """What is alike to a hundredth is told apart by its size."""
    return round(rate(timed, core), 2), timed[0].macs(core.vector_bits)


def loops_table(loops: Sequence[Timed], cores: Sequence[Core]) -> str:
    """Modelled: multiply-adds a cycle, and per cent of what the pipes allow such instructions."""
    rows = []
    for loop, cycles in loops:
        cells = []
        for core in cores:
            if core not in cycles:
                cells.append("")
                continue
            macs = rate((loop, cycles), core)
            cells.append(f"{macs:.2f} ({100 * macs / peak_of(loop, core.fp32_macs):.1f} %)")
        rows.append([f"`{loop.object}`", f"`{shortened(loop.function, 70)}`", str(len(loop.body)), *cells])
    return markdown_table(["object", "function", "instructions", *(core.title for core in cores)], rows)


def few_rows_table(variants: Sequence[tuple[FewRows, Mapping[Core, float]]], cores: Sequence[Core]) -> str:
    """Modelled: cycles of a step of four in depth, and bytes of weights that it reads in a cycle."""
    rows = [[one.title, one.rows, *(cell for core in cores for cell in
                                    (f"{cycles[core] / one.steps:.2f}", f"{one.weight_bytes(core.vector_bits) * one.steps / cycles[core]:.0f}"))]
            for one, cycles in variants]
    return markdown_table(["loop", "rows", *(cell for core in cores for cell in (f"{core.title}, cycles", "bytes a cycle"))], rows)


def latency_table(machine: Machine, modelled: Mapping[Case, Modelled], counted: Mapping[Case, Counted], memory: Memory) -> str:
    """Modelled: milliseconds, from the overlapped case to the one in turn."""
    rows = []
    for case, one in modelled.items():
        if case.engine != "wherry" or case.machine != machine:
            continue
        cells = []
        for cores in CORES:
            found = latency(one.cycles, machine.gigahertz * 1e9, counted[case].printed["steps"], cores, memory)
            cells.append(f"{1e3 * found.overlapped:.2f} to {1e3 * found.in_turn:.2f}")
        weights = sum(step["weight_bytes"] for step in counted[case].printed["steps"])
        rows.append([title(case), f"{weights / 1e6:.0f}", *cells])
    return markdown_table(["model", "weights, MB", *(f"{cores} core{'s' if cores > 1 else ''}, ms" for cores in CORES)], rows)


def error_table(comparisons: Sequence[Comparison]) -> str:
    rows = [[f"{MODELS[one.model].title}, fp32, AVX2", f"{one.core}, {one.hertz / 1e9:.2f} GHz", million(one.instructions), million(one.modelled),
             million(one.measured), f"{one.modelled / one.measured:.2f}", f"{100 * one.coverage:.1f} %"] for one in comparisons]
    return markdown_table(["model", "core", "instructions, million", "modelled cycles, million", "measured cycles, million", "modelled ÷ measured",
                           "of the instructions modelled"], rows)


def written(path: pathlib.Path, tables: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(f"## {name}\n\n{table}" for name, table in tables.items()))
