"""wherry's side of a comparison: built, asked what really runs, timed and checked through its own command line."""
from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Mapping, Sequence

from .peers.models import MODELS
from .processes import Failed, output_of

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
    return ["x".join(str(size) for size in (batch, *one.sizes)) for one in MODELS[model].inputs]


def check_precision(program: pathlib.Path, model: str, file: pathlib.Path, batch: int, precision: str, threads: int,
                    environment: Mapping[str, str | None]) -> None:
    """Raises Failed where the plan would run in another precision than the table would say."""
    shapes = [word for shape in input_shapes(model, batch) for word in ("--input", shape)]
    plan = json.loads(output_of([program, "inspect", file, "--precision", precision, "--threads", str(threads), "--json", *shapes],
                                environment))["plan"]
    runs_in = {step["precision"] for step in plan["steps"] if step["op"] in ("convolution", "matmul")}
    names = {"float32": "fp32", "bfloat16": "bf16"}
    runs_in = {names.get(name, name) for name in runs_in}
    if precision not in runs_in:
        raise Failed(f"asked for {precision}, this build runs {' and '.join(sorted(runs_in))} here")


def bench_command(program: pathlib.Path, model: str, file: pathlib.Path, batch: int, precision: str, threads: int,
                  seconds: float) -> list[str]:
    """Prints a JSON object with p50_ms, …"""
    shapes = [word for shape in input_shapes(model, batch) for word in ("--input", shape)]
    return [str(program), "bench", str(file), "--json", "-", "--threads", str(threads), "--precision", precision, *shapes,
            "--seconds", str(seconds), "--skip_correctness"]


def answer(program: pathlib.Path, model: str, folder: pathlib.Path, precision: str, threads: int, output: pathlib.Path,
           environment: Mapping[str, str | None]) -> None:
    """Writes wherry's output for the inputs that PyTorch answered too."""
    inputs: list[str] = [word for one in MODELS[model].inputs for word in ("--input", str(folder / f"{one.name}.npy"))]
    output.parent.mkdir(parents=True, exist_ok=True)
    output_of([program, "run", folder / "model.pt", *inputs, "--precision", precision, "--threads", str(threads), "--output", output],
              environment)
