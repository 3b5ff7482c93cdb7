"""What is counted and modelled: machines, models, and the runs of both engines on them."""
from __future__ import annotations

import dataclasses
from typing import Mapping

from compare.workloads import WORKLOADS, Workload, text_against_peers

from .pipeline import Core


@dataclasses.dataclass(frozen=True)
class Machine:
    """An instance type: how QEMU imitates its CPU, how LLVM models it, and what its memory does (report.py lists the sources)."""

    title: str
    cpu: str  # QEMU's
    core: Core
    isa: Mapping[str, str] = dataclasses.field(hash=False)  # precision -> WHERRY_FORCE_ISA
    gigahertz: float


GRAVITON2 = Machine("Graviton2", "neoverse-n1", Core("Neoverse N1", "aarch64", "neoverse-n1", None, 128, 8, 0), {"fp32": "neon"}, 2.5)
GRAVITON3 = Machine("Graviton3", "max,sve-max-vq=2", Core("Neoverse V1", "aarch64", "neoverse-v1", 8, 256, 16, 64),
                    {"fp32": "sve", "bf16": "sve_bf16"}, 2.6)
GRAVITON4 = Machine("Graviton4", "max,sve-max-vq=1", Core("Neoverse V2", "aarch64", "neoverse-v2", 8, 128, 16, 64),
                    {"fp32": "sve", "bf16": "sve_bf16"}, 2.8)
MACHINES = (GRAVITON2, GRAVITON3, GRAVITON4)


@dataclasses.dataclass(frozen=True)
class Case:
    """One engine's inference of one model on one machine."""

    engine: str  # "wherry" or "torch"
    model: str  # of compare's MODELS
    precision: str
    machine: Machine = GRAVITON3

    @property
    def name(self) -> str:
        return "-".join([self.engine, self.model, self.precision, self.machine.title.lower()])


@dataclasses.dataclass(frozen=True)
class Layer:
    """ResNet-50's 3 × 3 convolution of so many channels, with bias and ReLU, from a value that a convolution wrote to one that a
    convolution reads: half of what a model of four in a row takes beyond one of two."""

    channels: int
    side: int  # of the image, in pixels
    engine: str
    machine: Machine = GRAVITON3

    @property
    def title(self) -> str:
        return f"{self.channels} → {self.channels}, {self.side} × {self.side}"

    @property
    def cases(self) -> tuple[Case, Case]:
        few, many = (Case(self.engine, f"convolution{self.channels}-x{count}", "bf16", self.machine) for count in (2, 4))
        return few, many

    @property
    def macs(self) -> int:
        return 9 * self.channels**2 * self.side**2


LAYERS = tuple(Layer(channels, side, engine) for channels, side in ((64, 56), (128, 28), (256, 14), (512, 7)) for engine in ("wherry", "torch"))
SIDE_BY_SIDE = (("resnet50", "bf16"), ("resnet50", "fp32"), ("mobilenet_v2", "bf16"), ("mobilenet_v2", "fp32"), ("distilbert", "bf16"),
                ("distilbert", "fp32"))
MODELLED = ("resnet50", "bert", "distilbert", "roberta")
CASES: tuple[Case, ...] = (
    *(Case(engine, model, precision) for model, precision in SIDE_BY_SIDE for engine in ("wherry", "torch")),
    *(Case("wherry", model, precision) for model in MODELLED for precision in ("bf16", "fp32") if (model, precision) not in SIDE_BY_SIDE),
    Case("wherry", "resnet50", "fp32", GRAVITON2),
    Case("wherry", "resnet50", "bf16", GRAVITON4),
)


def workload_of(model: str) -> Workload:
    """The comparison's workload with this model: one image, or a text of 128 tokens."""
    found = next((one for one in WORKLOADS if one.model == model and one.batch == 1 and not one.task and one.tokens in (0, 128)), None)
    return found or text_against_peers(model, "bf16", 1)
