"""`python3 benchmarks/mission`: the speed, latency and cost of the four models of the mission, on this machine. See --help."""
from __future__ import annotations

import argparse
import pathlib
import shutil
import sys

# Run as a folder, Python looks for modules inside it; the packages stand one folder up.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from compare import command, report, wherry  # noqa: E402
from compare.processes import Failed, output_of  # noqa: E402
from compare.workloads import MISSION  # noqa: E402

ABOUT = """ResNet-50, DistilBERT for sentiment, RoBERTa for fill-mask and RoBERTa for sentiment (random weights; texts of 128 tokens; batch 1) on
PyTorch 1.13, newest PyTorch, ONNX Runtime, OpenVINO and wherry, each in every precision it has. Times them as benchmarks/compare does, in turn, and
lets `wherry cost` make tables and plots of speed, p90 latency and cost, relative to PyTorch 1.13."""
EXAMPLES = """Examples:
  python3 benchmarks/mission --instance c7a.large                          this machine is as one of these; on EC2 it knows by itself
  python3 benchmarks/mission --quick                                       two short rounds: does all work? Tables of speed alone
  python3 benchmarks/mission --instance our-server --prices prices.csv     prices of one's own
  python3 benchmarks/mission --realtime --instance c7a.large --document docs/mission.md"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 benchmarks/mission", description=ABOUT, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", metavar="NAME", help="what this machine stands for: an instance of the price table")
    parser.add_argument("--prices", type=pathlib.Path, metavar="FILE", help="another price table (docs/cost.md)")
    parser.add_argument("--baseline", metavar="WORDS", default="PyTorch 1.13", help="what all is relative to (default: PyTorch 1.13)")
    parser.add_argument("--rounds", type=int, metavar="N", default=5, help="rounds of each model (default 5)")
    parser.add_argument("--seconds", type=float, metavar="S", default=3, help="timed seconds a process (default 3)")
    parser.add_argument("--quick", action="store_true", help="two rounds of half a second, into DIR/quick")
    parser.add_argument("--realtime", action="store_true", help="run what is timed at real-time priority, where permitted")
    parser.add_argument("--venv", type=pathlib.Path, metavar="DIR", default=wherry.ROOT / "build/peers",
                        help="the peers' virtual environment; made where missing (default build/peers)")
    parser.add_argument("--wherry", type=pathlib.Path, metavar="FILE", help="this program, instead of building build/release/wherry")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR", default=wherry.ROOT / "build/mission",
                        help="where results, tables and plots go (default build/mission)")
    parser.add_argument("--document", type=pathlib.Path, metavar="FILE",
                        help="also put the tables into this Markdown file, and the plots into the folder of its name")
    return parser.parse_args()


def compare_words(args: argparse.Namespace) -> list[str]:
    """The command line of the comparison."""
    words = ["--only", MISSION + "*", "--rounds", str(args.rounds), "--seconds", str(args.seconds), "--venv", str(args.venv), "--output", str(args.output)]
    words += ["--quick"] if args.quick else []
    words += ["--realtime"] if args.realtime else []
    words += ["--wherry", str(args.wherry)] if args.wherry else []
    return words + (["--document", str(args.document)] if args.document else [])


def write_cost(args: argparse.Namespace) -> None:
    """Tables, CSV and plots of what the comparison measured. Raises Failed."""
    folder = args.output / "quick" if args.quick else args.output
    program = args.wherry or wherry.BUILD / "wherry"
    words = [program, "cost", folder / "cost.json", "--baseline", args.baseline, "--csv", folder / "cost.csv"]
    words += ["--instance", args.instance] if args.instance else []
    words += ["--prices", args.prices] if args.prices else []
    text = output_of([*words, "--plots", folder / "plots"])
    print(text)
    (folder / "cost.txt").write_text(text)
    if args.document:
        filled, _ = report.fill(args.document.read_text(), {"cost": f"```\n{text.rstrip()}\n```\n"})
        args.document.write_text(filled)
        shutil.copytree(folder / "plots", args.document.with_suffix(""), dirs_exist_ok=True)


def main() -> int:
    args = parse()
    status = command.main(compare_words(args))
    if status:
        return status
    try:
        write_cost(args)
    except Failed as error:
        print(f"mission: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
