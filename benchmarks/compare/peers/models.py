"""The models that are compared: how PyTorch builds each, and what goes in. Imports nothing heavy by itself.

To add a model, add an entry to MODELS, and workloads that name it to ../workloads.py.
"""
from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, Callable

SHARED = pathlib.Path(__file__).resolve().parents[4] / "shared"  # beside the repository: data that is not part of it
TOKENS = -1  # among an input's sizes: as many as the workload says


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a model. `values`: "uniform" in [0, 1), "ones", or "tokens" (integers of a vocabulary's beginning)."""

    name: str
    sizes: tuple[int, ...]  # without the batch
    values: str = "uniform"

    def shape(self, batch: int, tokens: int = 0) -> tuple[int, ...]:
        return (batch, *(tokens if size == TOKENS else size for size in self.sizes))

    def array(self, batch: int, tokens: int = 0) -> Any:
        """The same numpy array in every process."""
        import numpy

        sizes = self.shape(batch, tokens)
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
    architecture: str = ""  # of models of text, transformers' class: they become a Hugging Face folder, and files for any batch and length


def torchvision_model(name: str) -> Callable[[], Any]:
    def build() -> Any:
        import torchvision

        return getattr(torchvision.models, name)(weights=None).eval()

    return build


def huggingface_model(architecture: str, **configuration: Any) -> Callable[[], Any]:
    """A transformers model; base size where the configuration says nothing else."""

    def build() -> Any:
        import transformers

        cls = getattr(transformers, architecture)
        return first_output(cls(cls.config_class(**configuration)))

    return build


def first_output(model: Any) -> Any:
    """Tensors in, one tensor out, in eval mode: what tracing and the exports need."""
    import torch

    class FirstOutput(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.inner(input_ids=input_ids, attention_mask=attention_mask)[0]

    return FirstOutput().eval()


def from_folder(architecture: str, folder: pathlib.Path, attention: str = "sdpa") -> Any:
    """A model of text with the weights of a Hugging Face folder. `attention`: "sdpa", PyTorch's fastest, or "eager", written out."""
    import transformers

    return first_output(getattr(transformers, architecture).from_pretrained(folder, attn_implementation=attention))


def convolutions(channels: int, count: int) -> Callable[[], Any]:
    """As many 3 × 3 convolutions in a row, each with ReLU."""

    def build() -> Any:
        import torch

        layers = [layer for _ in range(count) for layer in (torch.nn.Conv2d(channels, channels, 3, padding=1), torch.nn.ReLU())]
        return torch.nn.Sequential(*layers).eval()

    return build


def convolution_model(channels: int, side: int, count: int) -> Model:
    title = f"{count} convolutions of 3 × 3, {channels} channels, {side} × {side}"
    return Model(title, (Input("pixels", (channels, side, side)),), convolutions(channels, count), images=True)


IMAGE = (Input("pixels", (3, 224, 224)),)
TEXT = (Input("input_ids", (TOKENS,), "tokens"), Input("attention_mask", (TOKENS,), "ones"))
ROBERTA = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
MODELS: dict[str, Model] = {
    "resnet50": Model("ResNet-50", IMAGE, torchvision_model("resnet50"), images=True),
    "mobilenet_v2": Model("MobileNetV2", IMAGE, torchvision_model("mobilenet_v2"), images=True),
    "bert": Model("BERT-base", TEXT, huggingface_model("BertModel"), architecture="BertModel"),
    "distilbert": Model("DistilBERT", TEXT, huggingface_model("DistilBertForSequenceClassification", num_labels=2),
                        architecture="DistilBertForSequenceClassification"),
    "roberta": Model("RoBERTa-base", TEXT, huggingface_model("RobertaForMaskedLM", **ROBERTA), architecture="RobertaForMaskedLM"),
    "roberta-sentiment": Model("RoBERTa-base for sentiment", TEXT, huggingface_model("RobertaForSequenceClassification", num_labels=3, **ROBERTA),
                               architecture="RobertaForSequenceClassification"),
    "distilbert-sst2": Model("DistilBERT (6 layers, 384 wide)", TEXT,
                             lambda: from_folder("DistilBertForSequenceClassification", SHARED / "models/distilbert-sst2"),
                             architecture="DistilBertForSequenceClassification"),
    # What more convolutions in a row add is one convolution's cost, without a model's ends.
    **{f"convolution{channels}-x{count}": convolution_model(channels, side, count)
       for channels, side in ((64, 56), (128, 28), (256, 14), (512, 7)) for count in (2, 4)},
}


def build_module(name: str) -> Any:
    """The model with the random weights of seed 0: what every engine's file is made from."""
    import torch

    torch.manual_seed(0)
    return MODELS[name].build()


def torch_inputs(name: str, batch: int, channels_last: bool, tokens: int = 0) -> tuple[Any, ...]:
    import torch

    tensors = tuple(torch.from_numpy(one.array(batch, tokens)) for one in MODELS[name].inputs)
    if channels_last and MODELS[name].images:
        tensors = tuple(tensor.to(memory_format=torch.channels_last) for tensor in tensors)
    return tensors
