"""wherry's side of a comparison: built, asked what really runs, timed and checked through its own command line."""
from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Mapping, Sequence

from .peers.models import MODELS
from .processes import Failed, output_of
from .workloads import TASKS, Entrant, Workload

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/release"
TARGETS = ("wherry_program",)


def build(targets: Sequence[str]) -> None:
    """Raises Failed."""
    if not (BUILD / "build.ninja").exists():
        output_of(["cmake", "--preset", "release"], cwd=ROOT)
    output_of(["cmake", "--build", "--preset", "release", "--target", *targets], cwd=ROOT, timeout=7200)


def version(program: pathlib.Path) -> str:
    """What identifies the figures: the program's version and its file's hash, which changes with any kernel."""
    stated = output_of([program, "--version"]).split()[-1]
    return f"{stated} ({hashlib.sha256(program.read_bytes()).hexdigest()[:8]})"


def input_shapes(model: str, batch: int) -> list[str]:
    return ["x".join(str(size) for size in one.shape(batch)) for one in MODELS[model].inputs]


def shape_words(workload: Workload) -> list[str]:
    if MODELS[workload.model].architecture:
        return ["--seq", str(workload.tokens)] if workload.tokens else []
    return [word for shape in input_shapes(workload.model, workload.batch) for word in ("--input", shape)]


def engine_words(entrant: Entrant) -> list[str]:
    return ["--threads", str(entrant.threads), "--precision", entrant.precision]


def check_precision(program: pathlib.Path, workload: Workload, entrant: Entrant, file: pathlib.Path,
                    environment: Mapping[str, str | None]) -> None:
    """Raises Failed where the plan would run in another precision than the table would say."""
    plan = json.loads(output_of([program, "inspect", file, *engine_words(entrant), "--json", *shape_words(workload)], environment))["plan"]
    runs_in = {step["precision"] for step in plan["steps"] if step["op"] in ("convolution", "matmul")}
    names = {"float32": "fp32", "bfloat16": "bf16"}
    runs_in = {names.get(name, name) for name in runs_in}
    if entrant.precision not in runs_in:
        raise Failed(f"asked for {entrant.precision}, this build runs {' and '.join(sorted(runs_in))} here")


def bench_command(program: pathlib.Path, workload: Workload, entrant: Entrant, file: pathlib.Path, seconds: float) -> list[str]:
    """Prints a JSON object with p50_ms, …"""
    batch = ["--bs", str(workload.batch)] if MODELS[workload.model].architecture else []
    return [str(program), "bench", str(file), "--json", "-", *engine_words(entrant), *batch, *shape_words(workload),
            "--seconds", str(seconds), "--skip_correctness"]


def answer(program: pathlib.Path, workload: Workload, entrant: Entrant, file: pathlib.Path, inputs: pathlib.Path, output: pathlib.Path,
           environment: Mapping[str, str | None]) -> None:
    """Writes wherry's output for the inputs that PyTorch answered too."""
    words = [word for one in MODELS[workload.model].inputs for word in ("--input", str(inputs / f"{one.name}.npy"))]
    output.parent.mkdir(parents=True, exist_ok=True)
    output_of([program, "run", file, *words, *engine_words(entrant), "--output", output], environment)


def task_command(program: pathlib.Path, task: str, folder: pathlib.Path, entrant: Entrant) -> list[str]:
    """Answers each line of standard input with a line of JSON."""
    return [str(program), *TASKS[task].command, str(folder), "-", "--json", *engine_words(entrant)]


def answer_task(program: pathlib.Path, task: str, entrant: Entrant, folder: pathlib.Path, lines: pathlib.Path, output: pathlib.Path,
                environment: Mapping[str, str | None]) -> None:
    """Writes wherry's answers, a line of JSON for each line of text; those of one call, where a call has no more than one."""
    count = TASKS[task].lines
    texts = lines.read_text().splitlines(keepends=True)[:count]
    chosen = output.with_suffix(".txt")
    chosen.write_text("".join(texts))
    command = [program, *TASKS[task].command, folder, "--file", chosen, "--json", *engine_words(entrant)]
    output.write_text(output_of([*command, "--top", str(TASKS[task].top)], environment))
