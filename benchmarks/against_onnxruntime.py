#!/usr/bin/env python3
"""wherry and ONNX Runtime on the same torchvision model and threads, in turn (A B A B …), in one run.

  python benchmarks/against_onnxruntime.py --model resnet50 --threads 2 --rounds 7

Needs a Python with torch, torchvision, onnx and onnxruntime, and a release build (scripts/test.sh or quickstart.sh).
Prints each round's medians in milliseconds, and the median, least and largest of the rounds' ratios wherry ÷ ONNX Runtime.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def export(name, folder):
    """The model with random weights (seed 0) as TorchScript and ONNX."""
    import torch
    import torchvision

    stem = pathlib.Path(folder) / name
    if not stem.with_suffix(".onnx").exists():
        torch.manual_seed(0)
        module = getattr(torchvision.models, name)(weights=None).eval()
        pixels = torch.rand(1, 3, 224, 224)
        torch.jit.trace(module, pixels, check_trace=False).save(str(stem.with_suffix(".pt")))
        torch.onnx.export(module, pixels, str(stem.with_suffix(".onnx")), dynamo=False, opset_version=17, input_names=["pixels"])
    return stem.with_suffix(".pt"), stem.with_suffix(".onnx")


def time_onnxruntime(path, threads, seconds):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {"pixels": np.random.default_rng(0).random((1, 3, 224, 224), dtype=np.float32)}
    for _ in range(10):
        session.run(None, feed)
    times, end = [], time.perf_counter() + seconds
    while len(times) < 20 or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"p50_ms": statistics.median(times)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--latency", default=str(ROOT / "build/release/benchmarks/latency"))
    parser.add_argument("--cache", default=os.path.join(tempfile.gettempdir(), "wherry-peers"))
    parser.add_argument("--only-onnxruntime", metavar="FILE", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_onnxruntime:
        return time_onnxruntime(args.only_onnxruntime, args.threads, args.seconds)
    os.makedirs(args.cache, exist_ok=True)
    script, onnx = export(args.model, args.cache)
    ours = [args.latency, str(script), "--threads", str(args.threads), "--seconds", str(args.seconds)]
    theirs = [sys.executable, __file__, "--only-onnxruntime", str(onnx), "--threads", str(args.threads), "--seconds", str(args.seconds)]
    ratios = []
    for _ in range(args.rounds):
        a, b = (json.loads(subprocess.run(c, capture_output=True, text=True, check=True).stdout)["p50_ms"] for c in (ours, theirs))
        ratios.append(a / b)
        print(f"wherry {a:8.3f} ms   ONNX Runtime {b:8.3f} ms   ratio {a / b:.3f}", flush=True)
    print(f"{args.model}, {args.threads} threads: ratio median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} rounds")


if __name__ == "__main__":
    main()
