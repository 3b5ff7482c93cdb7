"""The peers on models of text, as functions from token ids and attention mask to the answer. Imports nothing heavy by itself."""
from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, Callable, Sequence

import models

Run = Callable[[Any, Any], Any]  # numpy arrays of ids and mask -> numpy array or torch tensor
RunAll = Callable[[Sequence["tuple[Any, Any]"]], "list[Any]"]  # many of them, each of its own shape


@dataclasses.dataclass(frozen=True)
class Setting:
    folder: pathlib.Path  # what export_text.py wrote
    architecture: str
    precision: str
    threads: int
    shape: tuple[int, int] | None  # batch and tokens, if they are always the same


def onnxruntime_session(setting: Setting) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = setting.threads
    session = onnxruntime.InferenceSession(str(setting.folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def openvino_model(setting: Setting, **hints: Any) -> Any:
    import openvino

    core = openvino.Core()
    model = core.read_model(str(setting.folder / "openvino.xml"))
    if setting.shape:  # it is faster where it knows the shape
        model.reshape({one.get_any_name(): list(setting.shape) for one in model.inputs})
    precision = {"fp32": "f32", "bf16": "bf16"}[setting.precision]
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": setting.threads, **hints})
    runs_in = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if runs_in != precision:
        raise SystemExit(f"openvino runs in {runs_in} on this machine, not in {setting.precision}")
    return compiled


def openvino_request(setting: Setting) -> Run:
    request = openvino_model(setting, PERFORMANCE_HINT="LATENCY").create_infer_request()
    return lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[0]


def openvino_queue(setting: Setting) -> RunAll:
    """A stream a thread, which for many inferences is its fastest."""
    import openvino

    queue = openvino.AsyncInferQueue(openvino_model(setting, PERFORMANCE_HINT="THROUGHPUT", NUM_STREAMS=setting.threads), setting.threads)

    def run_all(batches: Sequence[tuple[Any, Any]]) -> list[Any]:
        outputs: list[Any] = [None] * len(batches)

        def keep(request: Any, index: int) -> None:
            outputs[index] = request.get_output_tensor(0).data.copy()

        queue.set_callback(keep)
        for index, (ids, mask) in enumerate(batches):
            queue.start_async({"input_ids": ids, "attention_mask": mask}, index)
        queue.wait_all()
        return outputs

    return run_all


def torch_module(setting: Setting) -> Any:
    """Turns autocast on for bf16."""
    import torch

    torch.set_num_threads(setting.threads)
    torch.set_grad_enabled(False)
    module = models.from_folder(setting.architecture, setting.folder / "huggingface")
    if setting.precision == "bf16":
        torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False).__enter__()
    return module


def on_arrays(module: Any) -> Run:
    import torch

    return lambda ids, mask: module(torch.from_numpy(ids), torch.from_numpy(mask))


def torch_eager(setting: Setting) -> Run:
    return on_arrays(torch_module(setting))


def torch_jit(setting: Setting) -> Run:
    import torch

    module = torch_module(setting)
    example = torch.ones(setting.shape or (2, 16), dtype=torch.int64)
    script = torch.jit.freeze(torch.jit.trace(module, (example, example), check_trace=False))
    if setting.precision == "fp32":  # what it does for fp32 undoes autocast's casts
        script = torch.jit.optimize_for_inference(script)
    return on_arrays(script)


def torch_compile(setting: Setting) -> Run:
    import torch
    import torch._inductor.config as inductor

    module = torch_module(setting)
    inductor.freezing = True
    return on_arrays(torch.compile(module, dynamic=None if setting.shape else True))


ENGINES: dict[str, Callable[[Setting], Run]] = {
    "onnxruntime": onnxruntime_session,
    "openvino": openvino_request,
    "torch-eager": torch_eager,
    "torch-jit": torch_jit,
    "torch-compile": torch_compile,
}


def one_by_one(run: Run) -> RunAll:
    return lambda batches: [run(*batch) for batch in batches]


def run_all_of(engine: str, setting: Setting) -> RunAll:
    return openvino_queue(setting) if engine == "openvino" else one_by_one(ENGINES[engine](setting))


def numpy_of(output: Any) -> Any:
    """In fp32, whichever engine answered."""
    import numpy

    return output if isinstance(output, numpy.ndarray) else output.float().numpy()
