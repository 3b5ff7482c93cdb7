"""The command line of `python3 benchmarks/compare`."""
from __future__ import annotations

import argparse
import json
import pathlib
import shlex
import sys
import tempfile

from . import environment, layers, machine, wherry
from .bench import PEERS, Bench
from .cost_results import cost_results
from .figures import layer_panels, ratio_panels
from .processes import Failed, output_of
from .progress import Progress
from .report import fill, report, tables
from .results import Results
from .rounds import run_rounds
from .workloads import ENGINES, WORKLOADS, Workload, missing, select

ROOT = wherry.ROOT
ABOUT = """Measures wherry against its peers (PyTorch 1.13 and newest, ONNX Runtime, OpenVINO): the same models, inputs and
threads, every engine in a process of its own, one after the other in each round, so that a busy or slow machine is so for
all. Quoted are the rounds' ratios, wherry's median ÷ the peer's: lower is better, below 1 wherry is faster.

Installs the peers into --venv (exact versions: benchmarks/compare/requirements.txt), builds wherry, exports the models
with random weights, and writes report.md, results.json, plots, and cost.json for `wherry cost`. A run that was interrupted goes on where it stopped;
other versions or settings begin anew, and results.json becomes results.previous.json."""
EXAMPLES = """Examples:
  python3 benchmarks/compare --list
  python3 benchmarks/compare --quick --only resnet50-fp32-2t      two short rounds: does all work?
  python3 benchmarks/compare --only 'resnet50-bf16-*' --rounds 9
  python3 benchmarks/compare --only 'bert-*' --only 'sst2-*'       models of text, and whole tasks on lines of text
  python3 benchmarks/compare --realtime                           everything, undisturbed by other processes (needs root)
  python3 benchmarks/compare --realtime --layers --document docs/performance.md
  python3 benchmarks/compare --layers --only none                 ResNet-50 layer by layer, against the machine's peak

Debian's part (python3-venv, python3-dev, python3-torch 1.13, libopenblas0-pthread) is installed by
scripts/install_dependencies.sh compare, which asks for root only where something is missing."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 benchmarks/compare", description=ABOUT, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="list the workloads and their entrants")
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help="only this workload, or those that match a pattern; may be repeated; 'none' for no workload")
    parser.add_argument("--rounds", type=int, metavar="N", default=7, help="rounds of each workload (default 7)")
    parser.add_argument("--seconds", type=float, metavar="S", default=3, help="timed seconds a process (default 3)")
    parser.add_argument("--quick", action="store_true", help="two rounds of half a second, into DIR/quick")
    parser.add_argument("--layers", action="store_true", help="also time each convolution of ResNet-50 and MobileNetV2 alone")
    parser.add_argument("--realtime", action="store_true", help="run what is timed at real-time priority (chrt -f 50), where permitted")
    parser.add_argument("--prefix", metavar="COMMAND", default="", help="put before each timed command, e.g. 'numactl --cpunodebind=0'")
    parser.add_argument("--fresh", action="store_true", help="measure all again, whatever results.json holds")
    parser.add_argument("--venv", type=pathlib.Path, metavar="DIR", default=ROOT / "build/peers",
                        help="the peers' virtual environment; made where missing (default build/peers)")
    parser.add_argument("--wherry", type=pathlib.Path, metavar="FILE", help="this program, instead of building build/release/wherry")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR", default=ROOT / "build/compare",
                        help="where results, report, plots and exported models go (default build/compare)")
    parser.add_argument("--document", type=pathlib.Path, metavar="FILE",
                        help="also put the tables into this Markdown file, where it has places for them, and the plot beside it: docs/performance.md")
    args = parser.parse_args(arguments)
    if args.document and not args.document.is_file():
        parser.error(f"--document {args.document}: no such file")
    if args.rounds < 1 or args.seconds <= 0:
        parser.error("--rounds and --seconds are above 0")
    if args.quick:
        args.rounds, args.seconds = 2, 0.5
    args.results = args.output / "quick" if args.quick else args.output  # never over a long run's
    args.prefix = [*shlex.split(args.prefix), *(["chrt", "-f", "50"] if args.realtime else [])]
    try:
        args.workloads = [] if args.only == ["none"] else select(args.only)
    except ValueError as error:
        parser.error(str(error))
    return args


def print_list() -> None:
    for workload in WORKLOADS:
        print(f"{workload.name:<24} {workload.title}")
        print(" " * 25 + "; ".join(f"{entrant.engine} {entrant.precision}" for entrant in workload.entrants))


def prepare(args: argparse.Namespace, progress: Progress) -> tuple[Bench, dict[str, str]]:
    """Builds, installs, and finds out what can run. Raises Failed."""
    if args.prefix:
        output_of([*args.prefix, "true"])
    program = args.wherry
    if program is None:
        progress.say("building wherry")
        wherry.build([*wherry.TARGETS, *([layers.TARGET] if args.layers else [])])
        program = wherry.BUILD / "wherry"
    try:
        output_of([ROOT / "scripts/install_dependencies.sh", "compare"])
    except Failed as error:
        progress.say(f"note: {error}")
    python, versions = environment.prepare_venv(args.venv, progress.say)
    unable: dict[str, str] = {}
    try:
        versions["python3-torch"] = environment.debian_torch()
    except Failed as error:
        unable["torch-1.13"] = str(error)
        progress.say(f"torch-1.13 will not run: {error}")
    for engine in ENGINES.values():
        if engine.package not in versions and engine.name != "wherry":
            unable.setdefault(engine.name, f"{args.venv} has no {engine.package}")
    versions["wherry"] = wherry.version(program)
    bench = Bench(program, python, environment.SYSTEM_PYTHON, args.output / "models", args.seconds, args.prefix, progress.say, unable)
    return bench, versions


def write(args: argparse.Namespace, bench: Bench, results: Results, shown: list[Workload]) -> None:
    """The report, the plots and the input of `wherry cost`, of all that results hold."""
    text = report(results.document, shown)
    (args.results / "report.md").write_text(text)
    (args.results / "cost.json").write_text(json.dumps(cost_results(results.document, shown), indent=1) + "\n")
    for kind, drawn in (("ratios", ratio_panels(results.document, shown)), ("layers", layer_panels(results.document))):
        if drawn:
            with tempfile.NamedTemporaryFile("w", suffix=".json") as panels:
                json.dump(drawn, panels)
                panels.flush()
                outputs = [args.results / f"{kind}.svg", args.results / f"{kind}.png"]
                if args.document and kind == "ratios":
                    outputs.append(args.document.with_suffix(".svg"))
                output_of([bench.venv_python, PEERS / "plot.py", kind, panels.name, *outputs])
    print(text)
    if args.document:
        filled_text, names = fill(args.document.read_text(), tables(results.document, shown))
        args.document.write_text(filled_text)
        bench.say(f"{args.document}: filled {', '.join(names) or 'nothing'}")


def run(args: argparse.Namespace) -> None:
    steps = sum(len(workload.entrants) for workload in args.workloads) * args.rounds
    progress = Progress(steps)
    bench, versions = prepare(args, progress)
    described = machine.describe()
    typed = shlex.join(["python3", "benchmarks/compare", *(word for word in args.typed if word != "--fresh")])
    identity = {"command": typed, "machine": described, "cpu": described["cpu"], "versions": versions,
                "settings": {"seconds": args.seconds, "prefix": args.prefix}}
    results = Results(args.results / "results.json", identity, args.fresh)
    if results.resumed:
        progress.say(f"going on with {results.path} (--fresh would measure all again)")
    for workload in args.workloads:
        if missing(workload):
            progress.say(f"SKIPPED {workload.name}: it needs {missing(workload)}, which is not here")
            progress.skip(args.rounds * len(workload.entrants))
            continue
        bench.export(workload)
        unable = bench.unable_in(workload)
        for key, reason in unable.items():
            progress.say(f"{workload.name}  {key}: not run: {reason}")
        progress.skip(args.rounds * len(unable) + results.finished(workload.name, args.rounds))
        run_rounds(workload, args.rounds, bench.time, results, progress.step, unable)
    if args.layers:
        results.document["layers"] = layers.measure(args.prefix, progress.say)
    results.save()
    write(args, bench, results, [one for one in WORKLOADS if one.name in results.document["workloads"]])
    progress.say(f"written: report.md, results.json, cost.json (for wherry cost) and plots in {args.results}")


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    args.typed = sys.argv[1:] if arguments is None else arguments
    try:
        print_list() if args.list else run(args)
        sys.stdout.flush()
    except Failed as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # into head
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("\ncompare: interrupted; the same command goes on where this stopped", file=sys.stderr)
        return 130
    return 0
