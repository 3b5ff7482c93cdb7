"""What is compared: the engines, and the named workloads that `--only` selects from.

To add a model, describe it in peers/models.py and add workloads here; nothing else needs to know of it.
"""
from __future__ import annotations

import dataclasses
import fnmatch
import pathlib
from typing import Mapping, Sequence

from .peers.models import MODELS, SHARED


@dataclasses.dataclass(frozen=True)
class Engine:
    """A runtime in one of its modes, as peers/time_engine.py knows it ("wherry" is run by wherry.py)."""

    name: str
    title: str  # with {version} where its package's goes
    package: str
    precisions: tuple[str, ...]
    product: str  # the name without version and mode
    mode: str = ""
    system_python: bool = False  # Debian's PyTorch; the others live in the virtual environment
    avx2: Mapping[str, str] | None = None  # environment that keeps it to AVX2; None where it has no such switch


NEW_TORCH_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine("wherry", "wherry", "wherry", ("fp32", "bf16"), "wherry", avx2={"WHERRY_FORCE_ISA": "avx2"}),
        Engine("torch-1.13", "PyTorch {version} (Debian), torch.jit", "python3-torch", ("fp32",), "PyTorch", "torch.jit", system_python=True,
               avx2={"ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2"}),
        Engine("torch-jit", "PyTorch {version}, torch.jit", "torch", ("fp32", "bf16"), "PyTorch", "torch.jit", avx2=NEW_TORCH_AVX2),
        Engine("torch-compile", "PyTorch {version}, torch.compile", "torch", ("fp32", "bf16"), "PyTorch", "torch.compile", avx2=NEW_TORCH_AVX2),
        Engine("onnxruntime", "ONNX Runtime {version}", "onnxruntime", ("fp32",), "ONNX Runtime"),
        Engine("openvino", "OpenVINO {version}", "openvino", ("fp32", "bf16"), "OpenVINO"),
    )
}


def counted(count: int, noun: str) -> str:
    """ "1 thread", "2 threads" """
    return f"{count} {noun}{'' if count == 1 else 's'}"


@dataclasses.dataclass(frozen=True)
class Entrant:
    """One line of a workload's table."""

    engine: str
    precision: str
    threads: int

    @property
    def key(self) -> str:
        return f"{self.engine} {self.precision} {self.threads}t"


@dataclasses.dataclass(frozen=True)
class Workload:
    """Entrants that run in turn on one model and batch; each ratio is the first entrant's time ÷ another's."""

    name: str
    title: str
    model: str
    batch: int
    entrants: tuple[Entrant, ...]
    avx2: bool = False
    tokens: int = 0  # of a text
    task: str = ""  # of TASKS, if a whole task on lines of text is timed instead of the model alone


@dataclasses.dataclass(frozen=True)
class Task:
    """What wherry is asked for, and what is timed: as peers/tasks.py does it with the peers."""

    title: str
    command: tuple[str, ...]  # of wherry
    data: tuple[pathlib.Path, ...]  # without which it cannot run
    lines: int  # of text, answered in one call
    top: int  # answers a line that tell all there is to compare


TASKS: dict[str, Task] = {
    "fill-mask": Task("fill-mask from text to the five best words, 128 tokens", ("fill-mask",), (SHARED / "data/roberta-vocab",), 1, 50265),
    # wherry forms its own batches; the peers take the fastest of batches of 1, 8 and 32.
    "sst2": Task("872 sentences of SST-2 from text to labels", ("classify-text",),
                 (SHARED / "data/sst2/validation.tsv", SHARED / "models/distilbert-sst2"), 872, 1),
}


def missing(workload: Workload) -> pathlib.Path | None:
    """What the workload needs and this machine lacks."""
    needed = TASKS[workload.task].data if workload.task else ()
    return next((path for path in needed if not path.exists()), None)


def peers_of(precision: str, threads: int, without: Sequence[str] = ()) -> tuple[Entrant, ...]:
    """wherry, and every peer in this precision, or in fp32 where it has no other."""
    return tuple(Entrant(engine.name, precision if precision in engine.precisions else "fp32", threads)
                 for engine in ENGINES.values() if engine.name not in without)


def against_peers(model: str, precision: str, threads: int, batch: int = 1, avx2: bool = False) -> Workload:
    name = "-".join([model, *([f"b{batch}"] if batch > 1 else []), precision, *(["avx2"] if avx2 else []), f"{threads}t"])
    title = f"{MODELS[model].title}, batch {batch}, {precision}{', AVX2' if avx2 else ''}, {counted(threads, 'thread')}"
    return Workload(name, title, model, batch, peers_of(precision, threads), avx2)


def text_against_peers(model: str, precision: str, threads: int, tokens: int = 128, without: Sequence[str] = ()) -> Workload:
    name = "-".join([model, *([f"s{tokens}"] if tokens != 128 else []), precision, f"{threads}t"])
    title = f"{MODELS[model].title}, batch 1, {counted(tokens, 'token')}, {precision}, {counted(threads, 'thread')}"
    return Workload(name, title, model, 1, peers_of(precision, threads, without), tokens=tokens)


def task_against_peers(model: str, task: str, precision: str, threads: int) -> Workload:
    title = f"{MODELS[model].title}, {TASKS[task].title}, {precision}, {counted(threads, 'thread')}"
    return Workload(f"{task}-{precision}-{threads}t", title, model, 1, peers_of(precision, threads), task=task)


def scaling(model: str, precision: str) -> Workload:
    return Workload(f"{model}-{precision}-scaling", f"{MODELS[model].title}, batch 1, {precision}: wherry on 2 threads ÷ on 1", model, 1,
                    (Entrant("wherry", precision, 2), Entrant("wherry", precision, 1)))


def bf16_gain(model: str, threads: int) -> Workload:
    return Workload(f"{model}-bf16-gain", f"{MODELS[model].title}, batch 1, {threads} threads: wherry in bf16 ÷ in fp32", model, 1,
                    (Entrant("wherry", "bf16", threads), Entrant("wherry", "fp32", threads)))


MISSION = "mission-"  # what the names of benchmarks/mission's workloads begin with


def mission(model: str, tokens: int = 0) -> Workload:
    """Every engine in every precision it has: benchmarks/mission makes tables of speed and cost of them."""
    of = f", {counted(tokens, 'token')}" if tokens else ""
    ours = Entrant("wherry", "bf16", 2), Entrant("wherry", "fp32", 2)
    peers = (Entrant(engine.name, precision, 2) for engine in ENGINES.values() for precision in engine.precisions if engine.name != "wherry")
    return Workload(MISSION + model, f"{MODELS[model].title}, batch 1{of}, 2 threads", model, 1, (*ours, *peers), tokens=tokens)


WORKLOADS: tuple[Workload, ...] = (
    against_peers("resnet50", "bf16", 2),
    against_peers("resnet50", "bf16", 1),
    against_peers("resnet50", "fp32", 2),
    against_peers("resnet50", "fp32", 1),
    against_peers("mobilenet_v2", "fp32", 2),
    against_peers("mobilenet_v2", "bf16", 2),
    against_peers("resnet50", "fp32", 1, avx2=True),
    against_peers("resnet50", "bf16", 2, batch=32),
    scaling("resnet50", "fp32"),
    scaling("resnet50", "bf16"),
    bf16_gain("resnet50", 2),
    text_against_peers("bert", "bf16", 2),
    text_against_peers("bert", "fp32", 2),
    text_against_peers("distilbert", "bf16", 2),
    *(text_against_peers("bert", "bf16", 2, tokens, without=("torch-1.13",)) for tokens in (8, 32, 384, 512)),
    task_against_peers("roberta", "fill-mask", "bf16", 2),
    task_against_peers("distilbert-sst2", "sst2", "bf16", 2),
    mission("resnet50"),
    *(mission(model, tokens=128) for model in ("distilbert", "roberta", "roberta-sentiment")),
)


def select(patterns: Sequence[str]) -> list[Workload]:
    """The workloads that match any of the names or shell patterns, in the table's order; all but the mission's where there are none.

    Raises ValueError for a pattern that matches nothing.
    """
    for pattern in patterns:
        if not any(fnmatch.fnmatch(one.name, pattern) for one in WORKLOADS):
            raise ValueError(f"no workload is called '{pattern}'; there are {', '.join(one.name for one in WORKLOADS)}")
    if not patterns:
        return [one for one in WORKLOADS if not one.name.startswith(MISSION)]
    return [one for one in WORKLOADS if any(fnmatch.fnmatch(one.name, pattern) for pattern in patterns)]
