#!/usr/bin/env python3
"""Makes the golden files of tests/golden/data with the PyTorch that runs this script.

  make_goldens.py --out data/torch-2.15 resnet18 mobilenet_v2
  make_goldens.py --out data/torch-2.15 --all
  make_goldens.py --out data/torch-2.15 --kinds state_dict alexnet squeezenet1_1

A golden is a zip: the model's archive without the storages that a seed restores, and expected.npy, what PyTorch answered
for the input uniform(seed 0, -2 … 2). Requirements: requirements.txt beside this file.
"""
import argparse
import io
import os
import pathlib
import tempfile
import zipfile

import numpy as np

import deterministic
import torchvision_models


def make(name, kind, out):
    import torch

    module, specs, pixels = torchvision_models.build(name)
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, f"{name}.pt")
        if kind == "state_dict":
            torch.save(module.state_dict(), archive)
        else:
            torchvision_models.compile_module(module, kind, pixels).save(archive)
        golden = deterministic.strip(archive, specs)
    with torch.no_grad():
        expected = torchvision_models.logits(module(pixels)).astype(np.float32)
    buffer = io.BytesIO(golden)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        array = io.BytesIO()
        np.save(array, expected)
        entry = zipfile.ZipInfo("expected.npy", date_time=(1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        target.writestr(entry, array.getvalue())
        shape = zipfile.ZipInfo("input_shape.txt", date_time=(1980, 1, 1, 0, 0, 0))
        target.writestr(shape, " ".join(str(n) for n in pixels.shape))
    path = out / f"{name}.{kind}.golden"
    path.write_bytes(buffer.getvalue())
    print(f"{path}  {len(buffer.getvalue()) / 1024:.0f} KB  max |logit| {np.abs(expected).max():.3g}  std {expected.std():.3g}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--kinds", default="scripted,traced")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in torchvision_models.names() if args.all else args.models:
        for kind in args.kinds.split(","):
            make(name, kind, args.out)


if __name__ == "__main__":
    main()
