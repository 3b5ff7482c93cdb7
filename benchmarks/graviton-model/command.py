"""The command line of `python3 benchmarks/graviton-model`."""
from __future__ import annotations

import argparse
import fnmatch
import pathlib
import sys
from typing import Callable, Iterable, Sequence

from compare import environment
from compare.bench import Bench
from compare.processes import Failed
from compare.progress import Progress

from . import calibration, counting, document, loops, modelling, pipeline, profile, report, summary
from .counting import ROOT, Counted
from .latency import Memory
from .modelling import Modelled
from .workloads import CASES, GRAVITON3, LAYERS, MACHINES, MODELLED, Case, Layer

ABOUT = """Says what wherry does on AWS Graviton, without one. COUNTED: instructions of an inference, by a plugin of QEMU that counts
translation blocks, for wherry and for the AArch64 PyTorch of PyPI (oneDNN with Arm Compute Library), one thread.
MODELLED: cycles, by LLVM's models of the cores (llvm-mca) for those blocks and for every micro-kernel's inner loop; latency
from those, with a stated model of memory; and the method's error, on the x86 machine at hand, where a clock can be asked.

What was counted is kept and not counted again while nothing it depends on changes: an inference takes minutes in QEMU."""
EXAMPLES = """Examples:
  python3 benchmarks/graviton-model --list
  python3 benchmarks/graviton-model --only loops                    the inner loops of build/arm64's kernels: seconds
  python3 benchmarks/graviton-model --only '*mobilenet_v2-bf16*'    some of the cases, side by side
  python3 benchmarks/graviton-model --document docs/graviton.md     everything (hours, the first time)

scripts/install_dependencies.sh arm64 and ci install what it needs of Debian; --venv is benchmarks/compare's."""
CORES = [machine.core for machine in MACHINES]
SECTIONS = ("loops", "convolutions", "error")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 benchmarks/graviton-model", description=ABOUT, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="list the cases, and whether they are counted already")
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help="only these cases (a name or pattern of --list), or loops, convolutions or error; may be repeated")
    parser.add_argument("--counted", action="store_true", help="count nothing anew: tables of what is counted already")
    parser.add_argument("--seconds", type=float, metavar="S", default=3, help="timed seconds of an estimate of the error (default 3)")
    parser.add_argument("--venv", type=pathlib.Path, metavar="DIR", default=ROOT / "build/peers", help="benchmarks/compare's (default build/peers)")
    parser.add_argument("--models", type=pathlib.Path, metavar="DIR", default=ROOT / "build/compare/models",
                        help="where exported models are (default build/compare/models)")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR", default=ROOT / "build/graviton-model",
                        help="where counts, the peer and report.md go (default build/graviton-model)")
    parser.add_argument("--document", type=pathlib.Path, metavar="FILE", help="also put the tables into this file, where it has places for them; rows that are not made anew stay")
    args = parser.parse_args(arguments)
    if args.document and not args.document.is_file():
        parser.error(f"--document {args.document}: no such file")
    try:
        args.cases, args.layer_cases, args.sections = select(args.only)
    except ValueError as error:
        parser.error(str(error))
    return args


def select(patterns: Sequence[str]) -> tuple[list[Case], list[Case], list[str]]:
    """Cases of models and of layers (all of "convolutions"), and sections, that match any pattern; all where there are none. Raises ValueError for
    one that matches nothing."""
    of_layers = [case for layer in LAYERS for case in layer.cases]
    names = [*(case.name for case in [*CASES, *of_layers]), *SECTIONS]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise ValueError(f"--only {pattern}: matches nothing; there are {', '.join(names)}")
    chosen = {name for name in names if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}
    return ([case for case in CASES if case.name in chosen], [case for case in of_layers if case.name in chosen or "convolutions" in chosen],
            [name for name in SECTIONS if name in chosen])


def count(cases: Iterable[Case], counter: counting.Counter, only_counted: bool, say: Progress) -> dict[Case, Counted]:
    """Cases that fail are told and left out."""
    found: dict[Case, Counted] = {}
    for case in cases:
        if only_counted and not counter.is_counted(case):
            continue
        try:
            found[case] = counter.count(case)
        except Failed as error:
            say.say(f"{case.name}: left out: {error}")
    return found


def model(counted: dict[Case, Counted], say: Progress) -> dict[Case, Modelled]:
    modelled = {}
    for case, one in counted.items():
        say.say(f"modelling {case.name}")
        modelled[case] = modelling.model(one.blocks, case.machine.core)
    return modelled


def model_layers(counted: dict[Case, Counted]) -> dict[Layer, Modelled]:
    """Those whose two cases are counted."""
    pairs = {layer: [counted[case] for case in layer.cases if case in counted] for layer in LAYERS}
    return {layer: modelling.model(profile.half_of_difference(pair[1].blocks, pair[0].blocks), layer.machine.core)
            for layer, pair in pairs.items() if len(pair) == 2}


def case_tables(counted: dict[Case, Counted], modelled: dict[Case, Modelled]) -> dict[str, str]:
    tables = {"counts": report.counts_table(counted), "mix": report.mix_table({case: modelling.mix_of(one.blocks) for case, one in counted.items()})}
    macs = {case.model: report.macs_of(one) for case, one in counted.items() if case.engine == "wherry"}
    tables["cycles"] = report.cycles_table(modelled, macs)
    for case, one in modelled.items():
        tables[f"functions {case.name}"] = report.functions_table(one)
    bases = {case: one for case, one in modelled.items() if case.model in MODELLED}
    tables["latency"] = report.latency_table(GRAVITON3, bases, counted, Memory())
    return tables


def layer_tables(layers: dict[Layer, Modelled]) -> dict[str, str]:
    tables = {"convolutions": report.convolutions_table(layers)}
    for layer, one in layers.items():
        tables[f"functions {layer.engine}-convolution{layer.channels}"] = report.functions_table(one, digits=3)
    return tables


def timed_on(cores: Sequence[pipeline.Core], bodies: Sequence[Sequence[str]],
             able: Callable[[int, pipeline.Core], bool]) -> list[dict[pipeline.Core, float]]:
    """Cycles of each body, on those cores that are able to run it."""
    cycles: list[dict[pipeline.Core, float]] = [{} for _ in bodies]
    for core in cores:
        chosen = [index for index in range(len(bodies)) if able(index, core)]
        for index, value in zip(chosen, pipeline.cycles(core, [bodies[index] for index in chosen])):
            cycles[index][core] = value
    return cycles


def time_loops() -> list[report.Timed]:
    found = loops.loops_in(counting.ARM64, GRAVITON3.core.vector_bits)
    return list(zip(found, timed_on(CORES, [loop.body for loop in found], lambda index, core: found[index].runs_on(core))))


def loop_tables(timed: list[report.Timed]) -> dict[str, str]:
    few = loops.few_rows([loop for loop, _ in timed])
    with_bf16 = [core for core in CORES if core.bf16_macs]
    return {"loops": report.loops_table(report.best_of_families(timed, GRAVITON3.core), CORES), "all loops": report.loops_table(timed, CORES),
            "few rows": report.few_rows_table(list(zip(few, timed_on(with_bf16, [one.body for one in few], lambda *_: True))), with_bf16)}


def error_table(args: argparse.Namespace, bench: Bench, say: Progress) -> str:
    found = []
    for model in calibration.MODELS:
        try:
            found.append(calibration.compare(args.output, bench, model, args.seconds, say.say))
        except Failed as error:
            say.say(f"error of {model}: left out: {error}")
    return report.error_table(found)


def run(args: argparse.Namespace) -> None:
    say = Progress(0)
    program = counting.ARM64 / counting.PROGRAM
    cases = [*args.cases, *args.layer_cases]
    if not args.list and not args.counted and ("loops" in args.sections or any(case.engine == "wherry" for case in cases)):
        say.say("building wherry for AArch64")
        program = counting.build("arm64")
    python = args.venv / "bin/python"
    if not args.list and ((cases and not args.counted) or "error" in args.sections):
        python, _ = environment.prepare_venv(args.venv, say.say)
    bench = Bench(program, python, environment.SYSTEM_PYTHON, args.models, args.seconds, [], say.say, {})
    counter = counting.Counter(args.output, bench, program, say.say)
    if args.list:
        for case in [*CASES, *(case for layer in LAYERS for case in layer.cases)]:
            print(f"{case.name:<40} {'counted' if counter.is_counted(case) else 'to be counted'}")
        return
    tables: dict[str, str] = {}
    timed = time_loops() if "loops" in args.sections else []
    counted = count(cases, counter, args.counted, say)
    layers = model_layers(counted)
    counted = {case: one for case, one in counted.items() if case in args.cases}
    modelled = model(counted, say)
    if timed:
        tables.update(loop_tables(timed))
    if counted:
        tables.update(case_tables(counted, modelled))
    if layers:
        tables.update(layer_tables(layers))
    if "error" in args.sections:
        tables["error"] = error_table(args, bench, say)
    tables["summary"] = summary.table(counted, modelled, timed, layers)
    report.written(args.output / "report.md", tables)
    print((args.output / "report.md").read_text())
    if args.document:
        text, names = document.filled(args.document.read_text(), tables)
        args.document.write_text(text)
        say.say(f"{args.document}: filled {', '.join(names) or 'nothing'}")


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    try:
        run(args)
        sys.stdout.flush()
    except Failed as error:
        print(f"graviton-model: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ngraviton-model: interrupted; the same command goes on where this stopped", file=sys.stderr)
        return 130
    return 0
