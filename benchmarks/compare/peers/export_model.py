"""Writes one model for all engines: TorchScript, ONNX, its inputs, and PyTorch's fp32 answer to them.

  python export_model.py MODEL BATCH FOLDER
"""
from __future__ import annotations

import pathlib
import sys
import warnings

import models

warnings.filterwarnings("ignore")


def export(name: str, batch: int, folder: pathlib.Path) -> None:
    import numpy
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    module = models.build_module(name)
    inputs = models.torch_inputs(name, batch, channels_last=False)
    names = [one.name for one in models.MODELS[name].inputs]
    with torch.no_grad():
        answer = module(*inputs).numpy()
        torch.jit.trace(module, inputs, check_trace=False).save(str(folder / "model.pt"))
        torch.onnx.export(module, inputs, str(folder / "model.onnx"), dynamo=False, opset_version=17, input_names=names)
    for input_name, tensor in zip(names, inputs):
        numpy.save(folder / f"{input_name}.npy", tensor.numpy())
    numpy.save(folder / "answer.npy", answer)  # last: its presence says that all is there


if __name__ == "__main__":
    export(sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]))
