"""ResNet-50's and MobileNetV2's convolutions one by one, against the machine's measured peak: src/kernels/convolution_bench."""
from __future__ import annotations

import json
from typing import Any, Callable, Sequence

from . import wherry
from .processes import Failed, output_of

TARGET = "convolution_bench"
PRECISIONS = ("fp32", "bf16")
NETWORKS = ("resnet50", "mobilenet_v2")


def measure(prefix: Sequence[str], say: Callable[[str], None]) -> dict[str, Any]:
    """By "network precision": what the bench prints."""
    measured: dict[str, Any] = {}
    for network in NETWORKS:
        for precision in PRECISIONS:
            say(f"layers of {network}, {precision}")
            program = wherry.BUILD / "src/kernels" / TARGET
            command = [*prefix, program, "--network", network, "--precision", precision, "--json"]
            try:
                measured[f"{network} {precision}"] = json.loads(output_of(command))
            except Failed as error:  # as on a machine without bf16 arithmetic
                say(f"layers of {network}, {precision}: not run: {error}")
    return measured
