#!/usr/bin/env python3
"""Writes data/*.pt, small TorchScript models for the engine's tests, and prints what they compute.

Made with PyTorch 1.13.1 (Debian's python3-torch). The inputs are the ramp() of model_test.cc.
"""
import os
import pathlib

import torch
from torch import nn

DATA = pathlib.Path("data")


def ramp(*sizes):
    count = torch.Size(sizes).numel()
    return (((torch.arange(count) * 37) % 101).float() / 50 - 1).reshape(sizes)


class SmallCnn(nn.Module):
    """Convolutions with batch norm, a residual, pooling and a linear layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, image):
        x = torch.relu(self.norm(self.first(image)))
        x = torch.relu(self.second(x) + x)
        return self.head(x.mean([2, 3]))


class Pair(nn.Module):
    """Two inputs of different dtypes; a dict of results."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.project = nn.Linear(6, 4)

    def forward(self, features, tokens):
        words = self.table(tokens)
        return {"scores": torch.softmax(self.project(features) @ words.transpose(-2, -1), -1), "words": words}


class Encoder(nn.Module):
    """A layer of attention with a mask over embedded words and their positions, and scores from the first word."""

    def __init__(self, width: int = 32, heads: int = 2):
        super().__init__()
        self.heads = heads
        self.table = nn.Embedding(20, width)
        self.places = nn.Embedding(64, width)
        self.register_buffer("positions", torch.arange(64).expand(1, -1))
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.first = nn.LayerNorm(width)
        self.second = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, 3)

    def forward(self, tokens, mask):
        batch, length = tokens.shape
        x = self.table(tokens) + self.places(self.positions[:, :length])
        qkv = self.project(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        hidden = (1.0 - mask[:, None, None, :].float()) * -10000.0
        weights = torch.softmax(q @ k.transpose(-2, -1) * 0.25 + hidden, -1)
        x = self.first(x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, -1)))
        x = self.second(x + self.down(nn.functional.gelu(self.up(x))))
        return self.head(x[:, 0])


class Centred(nn.Module):
    """Every row minus the mean of all: no part of a batch can be computed without the rest."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(64, 64)

    def forward(self, x):
        y = self.project(x)
        return y - y.mean(0, keepdim=True)


def save(name, model):
    torch.manual_seed(1)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.3
    if name == "small_cnn":
        model.norm.running_mean.data = torch.randn(8) * 0.1
        model.norm.running_var.data = torch.rand(8) + 0.5
    scripted = torch.jit.script(model.eval())
    scripted.save(str(DATA / f"{name}.pt"))
    return scripted


def save_small_bert():
    """A Hugging Face folder: python3 -c "import make_models; make_models.save_small_bert()" with the versions of
    tests/golden/requirements.txt."""
    import sys

    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
    import huggingface_models

    name = "bert.sequence_classification"
    module, _ = huggingface_models.build(name, "smallest")
    huggingface_models.save(module, name, DATA / "small_bert")


def save_small_bert_sharded():
    """The same weights in two files with an index: what torch.save writes, and the legacy stream it wrote once."""
    import json
    import shutil

    from safetensors.torch import load_file

    folder = DATA / "small_bert_sharded"
    folder.mkdir(exist_ok=True)
    shutil.copy(DATA / "small_bert/config.json", folder)
    weights = load_file(DATA / "small_bert/model.safetensors")
    files = {}
    for shard in range(2):
        name = f"pytorch_model-{shard + 1:05}-of-00002.bin"
        tensors = {tensor: weights[tensor].clone() for tensor in sorted(weights)[shard::2]}
        torch.save(tensors, folder / name, _use_new_zipfile_serialization=shard == 0)
        files.update({tensor: name for tensor in tensors})
    index = {"metadata": {"total_size": sum(4 * weight.numel() for weight in weights.values())}, "weight_map": files}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


def main():
    DATA.mkdir(exist_ok=True)
    with torch.no_grad():
        cnn = save("small_cnn", SmallCnn())
        for sizes in [(1, 3, 20, 18), (2, 3, 9, 13)]:
            print("small_cnn", sizes, [round(v, 6) for v in cnn(ramp(*sizes)).flatten().tolist()])
        save("encoder", Encoder())
        save("centred", Centred())
        pair = save("pair", Pair())
        result = pair(ramp(3, 6), torch.tensor([1, 9, 0, 4]))
        for key, value in result.items():
            print("pair", key, tuple(value.shape), [round(v, 6) for v in value.flatten().tolist()])


if os.path.isabs(main.__code__.co_filename):
    # Archives record where their source lay; compiled again under its bare name, it lies nowhere in particular.
    os.chdir(pathlib.Path(__file__).parent)
    name = pathlib.Path(__file__).name
    exec(compile(pathlib.Path(name).read_text(), name, "exec"), globals())
else:
    main()
