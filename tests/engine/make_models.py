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


def main():
    DATA.mkdir(exist_ok=True)
    with torch.no_grad():
        cnn = save("small_cnn", SmallCnn())
        for sizes in [(1, 3, 20, 18), (2, 3, 9, 13)]:
            print("small_cnn", sizes, [round(v, 6) for v in cnn(ramp(*sizes)).flatten().tolist()])
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
