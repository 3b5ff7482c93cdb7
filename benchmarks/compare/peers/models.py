"""The models that are compared: how PyTorch builds each, and what goes in. Imports nothing heavy by itself.

To add a model, add an entry to MODELS, and workloads that name it to ../workloads.py.
"""
from __future__ import annotations

import dataclasses
from typing import Any, Callable


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a model. `values`: "uniform" in [0, 1), "ones", or "tokens" (integers of a vocabulary's beginning)."""

    name: str
    sizes: tuple[int, ...]  # without the batch
    values: str = "uniform"

    def array(self, batch: int) -> Any:
        """The same numpy array in every process."""
        import numpy

        sizes = (batch, *self.sizes)
        if self.values == "uniform":
            return numpy.random.default_rng(0).random(sizes, dtype=numpy.float32)
        if self.values == "tokens":
            return numpy.random.default_rng(0).integers(5, 1000, sizes)
        if self.values == "ones":
            return numpy.ones(sizes, numpy.int64)
        raise ValueError(f"input {self.name}: values is {self.values!r}, not uniform, tokens or ones")


@dataclasses.dataclass(frozen=True)
class Model:
    title: str
    inputs: tuple[Input, ...]
    build: Callable[[], Any]  # the torch.nn.Module in eval mode; the random seed is set before
    images: bool = False  # PyTorch is then given channels-last tensors, which is its fastest


def torchvision_model(name: str) -> Callable[[], Any]:
    def build() -> Any:
        import torchvision

        return getattr(torchvision.models, name)(weights=None).eval()

    return build


IMAGE = (Input("pixels", (3, 224, 224)),)
MODELS: dict[str, Model] = {
    "resnet50": Model("ResNet-50", IMAGE, torchvision_model("resnet50"), images=True),
    "mobilenet_v2": Model("MobileNetV2", IMAGE, torchvision_model("mobilenet_v2"), images=True),
}


def build_module(name: str) -> Any:
    """The model with the random weights of seed 0: what every engine's file is made from."""
    import torch

    torch.manual_seed(0)
    return MODELS[name].build()


def torch_inputs(name: str, batch: int, channels_last: bool) -> tuple[Any, ...]:
    import torch

    tensors = tuple(torch.from_numpy(one.array(batch)) for one in MODELS[name].inputs)
    if channels_last and MODELS[name].images:
        tensors = tuple(tensor.to(memory_format=torch.channels_last) for tensor in tensors)
    return tensors
