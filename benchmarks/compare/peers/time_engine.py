"""Times one peer on one exported model in this process, and prints one JSON line.

Runs in the peer's own Python, which for PyTorch 1.13 is Debian's: so nothing here needs more than that has.
"""
from __future__ import annotations

import argparse
import json
import pathlib
import warnings
from typing import Any, Callable

import models
import text_engines
from agreement import agreement
from measure import measure

warnings.filterwarnings("ignore")
Infer = Callable[[], Any]  # one inference; returns the output as a numpy array or a torch tensor


def onnxruntime_session(args: argparse.Namespace) -> Infer:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(str(args.folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    feed = {one.name: one.array(args.batch) for one in models.MODELS[args.model].inputs}
    feed = {one.name: feed[one.name] for one in session.get_inputs()}  # the export drops inputs that nothing reads
    return lambda: session.run(None, feed)[0]


def openvino_request(args: argparse.Namespace) -> Infer:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[args.precision],
        "INFERENCE_NUM_THREADS": args.threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(core.read_model(str(args.folder / "model.onnx")), "CPU", settings)
    runs_in = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if runs_in != settings["INFERENCE_PRECISION_HINT"]:
        raise SystemExit(f"openvino runs in {runs_in} on this machine, not in {args.precision}")
    request = compiled.create_infer_request()
    feed = {one.name: one.array(args.batch) for one in models.MODELS[args.model].inputs}
    feed = {one.get_any_name(): feed[one.get_any_name()] for one in compiled.inputs}
    return lambda: request.infer(feed)[0]


def torch_archive(args: argparse.Namespace) -> Infer:
    """The TorchScript file itself, frozen and optimised: needs neither torchvision nor transformers."""
    import torch

    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    module = torch.jit.load(str(args.case / "model.pt")).eval()
    module = torch.jit.optimize_for_inference(torch.jit.freeze(module))
    inputs = models.torch_inputs(args.model, args.batch, channels_last=True, tokens=args.tokens)
    return lambda: module(*inputs)


def torch_module(args: argparse.Namespace) -> tuple[Any, tuple[Any, ...]]:
    """The Python module and its inputs in PyTorch's fastest layout; turns autocast on for bf16."""
    import torch

    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    module = models.build_module(args.model)
    if models.MODELS[args.model].images:
        module = module.to(memory_format=torch.channels_last)
    if args.precision == "bf16":
        torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False).__enter__()
    return module, models.torch_inputs(args.model, args.batch, channels_last=True)


def torch_jit(args: argparse.Namespace) -> Infer:
    import torch

    module, inputs = torch_module(args)
    script = torch.jit.freeze(torch.jit.trace(module, inputs, check_trace=False))
    if args.precision == "fp32":  # what it does for fp32 undoes autocast's casts
        script = torch.jit.optimize_for_inference(script)
    return lambda: script(*inputs)


def torch_compile(args: argparse.Namespace) -> Infer:
    import torch
    import torch._inductor.config as inductor

    module, inputs = torch_module(args)
    inductor.freezing = True
    compiled = torch.compile(module)
    return lambda: compiled(*inputs)


ENGINES: dict[str, Callable[[argparse.Namespace], Infer]] = {
    "onnxruntime": onnxruntime_session,
    "openvino": openvino_request,
    "torch-1.13": torch_archive,
    "torch-jit": torch_jit,
    "torch-compile": torch_compile,
}


def text_inference(args: argparse.Namespace) -> Infer:
    run = text_engines.ENGINES[args.engine](text_engines.Setting(args.folder, models.MODELS[args.model].architecture, args.precision, args.threads,
                                                                 (args.batch, args.tokens)))
    inputs = [one.array(args.batch, args.tokens) for one in models.MODELS[args.model].inputs]
    return lambda: run(*inputs)


def main() -> None:
    import numpy

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("model", choices=models.MODELS)
    parser.add_argument("folder", type=pathlib.Path, help="where export_model.py wrote the model for this batch")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=0, help="of a text")
    parser.add_argument("--case", type=pathlib.Path, help="where inputs and answer are, if not in FOLDER")
    parser.add_argument("--seconds", type=float, default=3)
    args = parser.parse_args()
    args.case = args.case or args.folder
    text = models.MODELS[args.model].architecture and args.engine in text_engines.ENGINES
    infer = text_inference(args) if text else ENGINES[args.engine](args)
    output = text_engines.numpy_of(infer())
    difference = agreement(numpy.load(args.case / "answer.npy"), output)
    print(json.dumps({**measure(infer, args.seconds), **difference}))


if __name__ == "__main__":
    main()
